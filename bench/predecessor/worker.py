"""`python -m bench.predecessor.worker PORT`: turns stripes grey, one a connection, until the master ends."""

from __future__ import annotations

import contextlib
import io
import sys

from PIL import Image

from bench.predecessor import wire


def main() -> None:
    port = int(sys.argv[1])
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            with wire.connect(port) as master:
                master.settimeout(None)  # a worker waits as long as nobody has work
                wire.send(master, grey(wire.receive(master)))


def grey(stripe: bytes) -> bytes:
    """The stripe in grey, as PNG."""
    file = io.BytesIO()
    with Image.open(io.BytesIO(stripe)) as picture:
        picture.convert("L").save(file, "PNG")
    return file.getvalue()


if __name__ == "__main__":
    main()
