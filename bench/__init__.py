"""Measurements: `python -m bench` for time, `python -m bench.memory` for memory."""
