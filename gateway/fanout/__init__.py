"""Sending parts to workers. Endpoints, pool, budget and hedge know nothing of HTTP."""
