"""An answer that is sent while it is made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope
from starlette.types import Send as AsgiSend

from gateway.batch.work import Send
from gateway.metrics import GONE, OK
from shared.problems import Internal
from shared.service import body
from shared.service.frames import let_go


class StreamedResponse(Response):
    """A body of unknown length; making it ends when its client leaves.

    The status is spent with the first byte: an error after it breaks the connection off, so that nobody takes
    what came for all there is.
    """

    def __init__(
        self,
        make: Callable[[Send], Awaitable[None]],
        media_type: str,
        headers: Mapping[str, str],
        ended: Callable[[str], None],
    ) -> None:
        """`ended` is called at the end with the outcome: ok, client-gone or internal."""
        self._make = make
        self._ended = ended
        super().__init__(media_type=media_type, headers=headers)
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: AsgiSend) -> None:
        """Send head and body."""
        gone = asyncio.ensure_future(body.client_gone(Request(scope, receive)))
        making = asyncio.ensure_future(self._sent(send, gone))
        outcome = Internal.slug
        try:
            await asyncio.wait((making, gone), return_when=asyncio.FIRST_COMPLETED)
            outcome = making.result() if making.done() else GONE
        finally:
            for task in (making, gone):
                task.cancel()
            await asyncio.wait((making, gone))
            self._ended(outcome)

    async def _sent(self, send: AsgiSend, gone: asyncio.Future[None]) -> str:
        """Whether someone was there to the end."""

        async def send_piece(piece: bytes | memoryview) -> None:
            await send({"type": "http.response.body", "body": piece, "more_body": True})

        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        with let_go():
            await self._make(send_piece)
        outcome = GONE if gone.done() else OK  # afterwards it is done in any case
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return outcome
