"""Sending parts to workers. Pool, budget, hedge and deadlines know nothing of HTTP; `attempt` does."""
