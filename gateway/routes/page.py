"""``GET /``, ``GET /docs`` and what both load: files of ours, nothing from other hosts.

The policy lets a page run only what came with it: nothing that an image or an answer holds is ever run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
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


_PAGES = _Static(directory=_WEB)


async def _page(request: Request) -> Response:
    return await _PAGES.get_response("index.html", request.scope)


async def _docs(request: Request) -> Response:
    return await _PAGES.get_response("docs.html", request.scope)


routes = (
    Route("/", _page),
    Route("/docs", _docs),
    Mount("/static/swagger", _Static(packages=[("fastapi_swagger", "resources")])),
    Mount("/static", _Static(directory=_WEB / "static")),
)
