"""Uploads: bodies that are the image itself, and what limits every upload."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.uploads import FORM, IMAGE, LIMIT, SETTINGS, Body, form, part, received, refused, send, split


@pytest.mark.parametrize(
    "kind",
    [None, "", "image/png", "application/x-www-form-urlencoded", "multipart/mixed; boundary=x", "junk;;="],
)
def test_any_body_that_is_no_form_is_the_image_itself_whatever_its_type(kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    assert received(send(headers, IMAGE)) == (IMAGE, None)


@given(st.binary(min_size=1, max_size=300), st.lists(st.integers(0)), st.booleans())
def test_a_raw_body_arrives_the_same_in_whatever_pieces_announced_or_not(
    data: bytes,
    cuts: list[int],
    announced: bool,  # noqa: FBT001 - given by Hypothesis
) -> None:
    headers = {"Content-Length": str(len(data))} if announced else {}
    assert received(send(headers, *split(data, cuts))) == (data, None)


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "0"}])
def test_an_empty_body_is_refused_and_told_how_to_send_one(headers: dict[str, str]) -> None:
    assert "--data-binary" in refused(send(headers), 400, "empty-body")


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip", "identity, gzip", "x" * 1000])
@pytest.mark.parametrize("kind", ["image/png", FORM])
def test_an_encoded_body_is_refused_before_it_is_read(encoding: str, kind: str) -> None:
    body = Body([IMAGE])
    answer = send({"Content-Encoding": encoding, "Content-Type": kind}, body=body)
    assert len(refused(answer, 415, "unsupported-encoding")) < 200
    assert body.read == 0


@pytest.mark.parametrize("encoding", ["identity", "Identity", " identity ", "", "identity, identity"])
def test_the_identity_encoding_is_none(encoding: str) -> None:
    assert received(send({"Content-Encoding": encoding}, IMAGE)) == (IMAGE, None)


# The limit


def limits(answer: httpx.Response) -> tuple[int, int, str]:
    refused(answer, 413, "upload-too-large")
    document = answer.json()
    return document["limit"], document["actual"], document["setting"]


def test_an_upload_announced_over_the_limit_is_refused_before_a_byte_is_read() -> None:
    body = Body([b"x"] * 10)
    answer = send({"Content-Length": str(LIMIT + 1)}, body=body)
    assert limits(answer) == (LIMIT, LIMIT + 1, "GRISAILLE_MAX_UPLOAD_BYTES")
    assert body.read == 0


def test_a_form_announced_far_over_the_limit_is_refused_before_a_byte_is_read() -> None:
    body = Body([b"x"] * 10)
    answer = send({"Content-Type": FORM, "Content-Length": str(2 * LIMIT)}, body=body)
    assert limits(answer)[1:] == (2 * LIMIT, "GRISAILLE_MAX_UPLOAD_BYTES")
    assert body.read == 0


def test_an_upload_that_turns_out_over_the_limit_is_read_no_further() -> None:
    body = Body([bytes(LIMIT // 4)] * 100)
    answer = send({}, body=body)
    assert limits(answer)[::2] == (LIMIT, "GRISAILLE_MAX_UPLOAD_BYTES")
    assert body.read == 5


def test_a_file_in_a_form_that_turns_out_over_the_limit_is_read_no_further() -> None:
    body = Body([part(b"")[:-2], *[bytes(LIMIT // 4)] * 100])
    answer = send({"Content-Type": FORM}, body=body)
    assert limits(answer)[::2] == (LIMIT, "GRISAILLE_MAX_UPLOAD_BYTES")
    assert body.read <= 7


def test_an_image_of_exactly_the_limit_is_taken_raw_and_as_a_file() -> None:
    data = bytes(LIMIT)
    assert received(send({"Content-Length": str(LIMIT)}, data)) == (data, None)
    headers, body = form(data)
    assert received(send({**headers, "Content-Length": str(len(body))}, body)) == (data, "photo.jpg")


async def one_byte_and_no_more() -> AsyncIterator[bytes]:
    yield b"x"
    await asyncio.Event().wait()


def test_an_upload_that_stops_coming_in_is_ended_with_408() -> None:
    hurried = SETTINGS.model_copy(update={"slow_upload_seconds": 0.05})
    answer = send({}, body=one_byte_and_no_more(), settings=hurried)
    refused(answer, 408, "slow-upload")
    assert answer.headers["Connection"] == "close"
    told = {"limit": 51, "actual": 1, "setting": "GRISAILLE_SLOW_UPLOAD_SECONDS"}
    assert told.items() <= answer.json().items()
