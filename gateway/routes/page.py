"""``GET /``, ``GET /docs`` and what both load: files of ours, nothing from other hosts.

The policy lets a page run only what came with it: nothing that an image or an answer holds is ever run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

_WEB = Path(__file__).parents[1] / "web"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # Kept, but asked for anew each time: modules of two versions must not meet in one page.
    "Cache-Control": "no-cache",
}


class _Static(StaticFiles):
    """Files with our headers and an ETag."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Return the file, or 304 where the browser has it."""
        response = super().file_response(*args, **kwargs)
        response.headers.update(_HEADERS)
        return response


async def _page(_: object) -> Response:
    return FileResponse(_WEB / "index.html", headers=_HEADERS)


async def _docs(_: object) -> Response:
    return FileResponse(_WEB / "docs.html", headers=_HEADERS)


routes = (
    Route("/", _page),
    Route("/docs", _docs),
    Mount("/static/swagger", _Static(packages=[("fastapi_swagger", "resources")])),
    Mount("/static", _Static(directory=_WEB / "static")),
)
