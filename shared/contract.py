"""Names the gateway and its workers agree on; the meaning of each is in ``docs/architecture.md``."""

CONVERT = "/convert"
VERSION_PATH = "/version"
HEALTHZ = "/healthz"
READYZ = "/readyz"
METRICS = "/metrics"

CONTRACT_NUMBER = "1"
"""Raised when gateway and worker of two versions can no longer understand each other."""

CONTRACT = "X-Grisaille-Contract"
LOAD = "X-Grisaille-Load"
"""``running/slots/queued`` of a worker, on every answer."""
DEADLINE_MS = "X-Grisaille-Deadline-Ms"
"""Milliseconds the asker will still wait."""
NOTE = "X-Grisaille-Note"
PLAN = "X-Grisaille-Plan"
PARTS = "X-Grisaille-Parts"
REQUEST_ID = "X-Request-Id"
TRACEPARENT = "traceparent"
SERVER_TIMING = "Server-Timing"

KEEP_ALIVE_SECONDS = 120
"""A server keeps an idle connection this long ..."""
CLIENT_IDLE_SECONDS = 15
"""... and a client reuses one only this long, so that it never writes into a closing socket."""
