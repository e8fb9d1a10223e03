"""The predecessor does what it did, and its processes find each other."""

from __future__ import annotations

import io
import socket

import pytest
from PIL import Image

from bench.client import Client
from bench.measure import PixelCheck
from bench.predecessor import app, wire
from bench.predecessor.start import predecessor
from bench.predecessor.worker import grey
from bench.rivals import pillow


@pytest.fixture(scope="module")
def picture() -> bytes:
    file = io.BytesIO()
    Image.effect_mandelbrot((61, 47), (-2, -1, 1, 1), 50).convert("RGB").save(file, "PNG")
    return file.getvalue()


def test_a_message_has_eight_bytes_of_length_before_it() -> None:
    here, there = socket.socketpair()
    with here, there:
        wire.send(here, b"stripe")
        assert there.recv(100) == b"\0\0\0\0\0\0\0\6stripe"


def test_a_message_arrives_as_it_was_sent() -> None:
    here, there = socket.socketpair()
    with here, there:
        wire.send(here, b"one")
        wire.send(here, b"")
        assert (wire.receive(there), wire.receive(there)) == (b"one", b"")


def test_a_message_that_ends_early_is_an_error() -> None:
    here, there = socket.socketpair()
    with there:
        with here:
            here.sendall(b"\0\0\0\0\0\0\0\6str")
        with pytest.raises(EOFError, match="3 of 6"):
            wire.receive(there)


@pytest.mark.parametrize("count", [1, 2, 7, 47])
def test_stripes_joined_in_grey_are_the_picture_in_grey(picture: bytes, count: int) -> None:
    size, stripes = app.cut(picture, count)
    assert len(stripes) == count
    PixelCheck(pillow("png")(picture))([app.joined(size, [grey(stripe) for stripe in stripes])])


def test_its_processes_answer_with_the_stages_of_a_request(picture: bytes) -> None:
    with predecessor(3) as port, Client(port) as client:
        for _ in range(2):
            outcome = client.convert(picture, "png")
            PixelCheck(pillow("png")(picture))(outcome.pieces)
            names = [entry.split(";")[0] for entry in outcome.stages.split(", ")]
            assert names == ["receive", "split", "send", "work", "return", "merge"]
