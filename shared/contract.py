"""Names the gateway and its workers agree on; the meaning of each is in ``docs/architecture.md``."""

CONVERT = "/convert"
BATCH = "/batch"
VERSION_PATH = "/version"
HEALTHZ = "/healthz"
READYZ = "/readyz"
METRICS = "/metrics"

CONTRACTS = ("1",)
"""Numbers of the agreements that this version keeps, its own first.

A change that old pods would not understand takes a new number; the one before stays in the list for a
release, since a rollout mixes old and new gateways with old and new workers.
"""

CONTRACT = "X-Grisaille-Contract"
"""Of a request: the asker's own number. Of an answer: that number if the worker keeps it, else its own."""
LOAD = "X-Grisaille-Load"
"""``running/slots/queued`` of a worker, on every answer."""
DEADLINE_MS = "X-Grisaille-Deadline-Ms"
"""Milliseconds the asker will still wait."""
NOTE = "X-Grisaille-Note"
PLAN = "X-Grisaille-Plan"
PARTS = "X-Grisaille-Parts"
REQUEST_ID = "X-Request-Id"
TRACEPARENT = "traceparent"
TRACESTATE = "tracestate"
SERVER_TIMING = "Server-Timing"
