"""A worker: an ordinary image converter behind HTTP, which does not know whether it does a stripe."""
