"""Uploads: raw bodies and multipart forms, sent through ASGI by a client we did not write."""

from __future__ import annotations

import asyncio
import email.message
import email.policy
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway import upload as uploads
from gateway.admission import Admission
from gateway.settings import GatewaySettings
from shared.problems import MEDIA_TYPE, Problem
from shared.service.buffers import Buffers
from shared.service.responses import problem_response
from shared.service.spool import Spool

LIMIT = 1 << 16
SETTINGS = GatewaySettings(max_upload_bytes=LIMIT)
BOUNDARY = "b-1"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
IMAGE = b"\x89PNG\r\n\x1a\n and so on"

AWKWARD = st.lists(
    st.sampled_from(
        [b"\r", b"\n", b"\r\n", b"-", b"--", b"\r\n-", b"\r\n--", b"\r\n--b", b"\r\n--b-", b"b-1"]
    )
    | st.binary(max_size=4),
    max_size=12,
).map(b"".join)
"""Bytes that look like the beginning of a boundary."""


async def _echo(request: Request) -> Response:
    lease = Admission.of(SETTINGS, lambda: 1, lambda _: None).lease()
    upload = await uploads.receive(request, SETTINGS, Buffers(Spool()), lease)
    return JSONResponse({"data": bytes(upload.data).hex(), "filename": upload.filename})


async def _refuse(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    return problem_response(problem)


APP = Starlette(routes=[Route("/convert", _echo, methods=["POST"])], exception_handlers={Problem: _refuse})


@dataclass
class Body:
    """A request body in pieces, and how many of them were asked for."""

    pieces: Sequence[bytes]
    read: int = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            self.read += 1
            yield piece


def send(headers: Mapping[str, str], *pieces: bytes, body: Body | None = None) -> httpx.Response:
    """What the gateway makes of a body that arrives in these pieces."""

    async def sent() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(APP), base_url="http://gateway") as client:
            return await client.post("/convert", content=aiter(body or Body(pieces)), headers=dict(headers))

    return asyncio.run(sent())


def received(answer: httpx.Response) -> tuple[bytes, str | None]:
    assert answer.status_code == 200, answer.text
    document = answer.json()
    return bytes.fromhex(document["data"]), document["filename"]


def refused(answer: httpx.Response, status: int, slug: str) -> str:
    """The detail of the problem that an answer must be."""
    assert answer.headers["content-type"] == MEDIA_TYPE, answer.text
    document = answer.json()
    assert (answer.status_code, document["type"]) == (status, f"urn:grisaille:problem:{slug}")
    detail = document["detail"]
    assert isinstance(detail, str)
    return detail


def part(data: bytes, disposition: str = 'form-data; name="image"; filename="photo.jpg"') -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\nContent-Type: image/jpeg\r\n\r\n"
    return head.encode() + data + b"\r\n"


CLOSING = f"--{BOUNDARY}--\r\n".encode()
FIELD = part(b"80", 'form-data; name="quality"')


def form(data: bytes, filename: str = "photo.jpg", field: str = "image") -> tuple[dict[str, str], bytes]:
    """Headers and body of a form as httpx writes it."""
    request = httpx.Request("POST", "http://gateway", files={field: (filename, data)})
    return {"Content-Type": request.headers["content-type"]}, request.read()


def split(body: bytes, cuts: list[int]) -> list[bytes]:
    bounds = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    return [body[start:end] for start, end in pairwise(bounds)]


# Raw bodies


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


# Forms


@pytest.mark.parametrize("field", ["image", "file", "", "anything at all", "größe"])
def test_a_form_s_one_file_is_taken_under_any_field_name(field: str) -> None:
    headers, body = form(IMAGE, field=field)
    assert received(send(headers, body)) == (IMAGE, "photo.jpg")


@pytest.mark.parametrize(
    "name", ["photo.jpg", "Früh am Morgen.jpeg", "写真.png", "a;b=c.png", "a'b.png", "  .png"]
)
def test_a_file_keeps_the_name_it_was_sent_with(name: str) -> None:
    headers, body = form(IMAGE, filename=name)
    assert received(send(headers, body)) == (IMAGE, name)


def test_a_name_with_escaped_quotes_as_curl_writes_it_is_understood() -> None:
    data = part(IMAGE, 'form-data; name="image"; filename="a \\"b\\".png"') + CLOSING
    assert received(send({"Content-Type": FORM}, data)) == (IMAGE, 'a "b".png')


def test_a_file_with_an_empty_name_is_a_file_without_a_name() -> None:
    data = part(IMAGE, 'form-data; name="image"; filename=""') + CLOSING
    assert received(send({"Content-Type": FORM}, data)) == (IMAGE, None)


@pytest.mark.parametrize(
    "kind",
    [
        f'multipart/form-data; boundary="{BOUNDARY}"',
        f"Multipart/Form-Data; boundary={BOUNDARY}",
        f"multipart/form-data; charset=utf-8; boundary={BOUNDARY}",
        f"multipart/form-data;boundary={BOUNDARY}",
    ],
)
def test_the_type_of_a_form_may_be_written_in_every_legal_way(kind: str) -> None:
    assert received(send({"Content-Type": kind}, part(IMAGE) + CLOSING)) == (IMAGE, "photo.jpg")


@given(AWKWARD, st.lists(st.integers(0)), st.booleans())
def test_any_split_of_a_form_into_pieces_gives_the_same_upload(
    data: bytes,
    cuts: list[int],
    announced: bool,  # noqa: FBT001 - given by Hypothesis
) -> None:
    assume(data)
    assume(f"\r\n--{BOUNDARY}".encode() not in b"\r\n" + data)
    body = part(data) + CLOSING
    headers = {"Content-Type": FORM} | ({"Content-Length": str(len(body))} if announced else {})
    assert received(send(headers, *split(body, cuts))) == (data, "photo.jpg")


@given(st.lists(st.integers(0)))
def test_any_split_of_a_refused_form_gives_the_same_refusal(cuts: list[int]) -> None:
    for body in (part(IMAGE) + part(IMAGE) + CLOSING, part(IMAGE) + FIELD + CLOSING, part(IMAGE)):
        whole, pieces = (send({"Content-Type": FORM}, *split(body, c)) for c in ([], cuts))
        assert (whole.status_code, whole.json()) == (pieces.status_code, pieces.json())
        assert whole.status_code == 400


def test_a_byte_at_a_time_is_one_of_those_splits() -> None:
    body = part(IMAGE) + CLOSING
    pieces = [body[i : i + 1] for i in range(len(body))]
    assert received(send({"Content-Type": FORM}, *pieces)) == (IMAGE, "photo.jpg")


def test_a_second_file_is_refused_and_batch_is_named() -> None:
    answer = send({"Content-Type": FORM}, part(IMAGE) + part(IMAGE) + CLOSING)
    assert "/batch" in refused(answer, 400, "invalid-multipart")


@pytest.mark.parametrize(
    "body", [FIELD + part(IMAGE), part(IMAGE) + FIELD, FIELD], ids=["before", "after", "alone"]
)
def test_a_plain_field_is_refused_by_its_name_and_the_query_is_named(body: bytes) -> None:
    detail = refused(send({"Content-Type": FORM}, body + CLOSING), 400, "invalid-multipart")
    assert "'quality'" in detail
    assert "query" in detail


@pytest.mark.parametrize("before", [b"", part(IMAGE)], ids=["alone", "behind a file"])
def test_a_part_that_does_not_say_what_it_is_is_no_file(before: bytes) -> None:
    body = before + f"--{BOUNDARY}\r\n\r\n".encode() + IMAGE + b"\r\n" + CLOSING
    detail = refused(send({"Content-Type": FORM}, body), 400, "invalid-multipart")
    assert "'' is not a file" in detail


def test_a_form_without_any_part_is_refused() -> None:
    refused(send({"Content-Type": FORM}, CLOSING), 400, "invalid-multipart")


def test_an_empty_file_is_refused_as_an_empty_body() -> None:
    refused(send({"Content-Type": FORM}, part(b"") + CLOSING), 400, "empty-body")


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "0"}])
def test_a_form_without_any_bytes_is_refused(headers: dict[str, str]) -> None:
    refused(send({"Content-Type": FORM, **headers}), 400, "invalid-multipart")


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data;", 'multipart/form-data; boundary=""']
)
def test_a_form_that_names_no_boundary_is_refused_before_it_is_read(kind: str) -> None:
    body = Body([part(IMAGE) + CLOSING])
    detail = refused(send({"Content-Type": kind}, body=body), 400, "invalid-multipart")
    assert "boundary" in detail
    assert body.read == 0


def test_a_form_with_a_boundary_longer_than_any_client_writes_is_refused() -> None:
    answer = send({"Content-Type": f"multipart/form-data; boundary={'b' * 5000}"}, IMAGE)
    refused(answer, 400, "invalid-multipart")


@given(st.integers(0, len(part(IMAGE) + CLOSING) - len(b"\r\n") - 1))
def test_a_form_cut_short_anywhere_is_refused_and_never_half_an_image(length: int) -> None:
    body = (part(IMAGE) + CLOSING)[:length]
    refused(send({"Content-Type": FORM}, body), 400, "invalid-multipart")


def test_a_boundary_that_never_comes_is_refused() -> None:
    refused(
        send({"Content-Type": "multipart/form-data; boundary=other"}, part(IMAGE)), 400, "invalid-multipart"
    )


def test_a_part_header_without_end_is_refused_long_before_the_limit() -> None:
    body = Body([f"--{BOUNDARY}\r\nX-Long: ".encode(), *[b"x" * 1024] * 1000])
    refused(send({"Content-Type": FORM}, body=body), 400, "invalid-multipart")
    assert body.read < 20


@given(
    st.text(st.characters(min_codepoint=32, max_codepoint=126)),
    st.lists(
        st.sampled_from([part(IMAGE), FIELD, CLOSING, b"\r\n", f"--{BOUNDARY}\r\n".encode()])
        | st.binary(max_size=20),
        max_size=5,
    ),
)
def test_any_form_gives_an_upload_or_a_problem(disposition: str, pieces: list[bytes]) -> None:
    for body in ([part(IMAGE, disposition), CLOSING], pieces):
        answer = send({"Content-Type": FORM}, *body)
        assert answer.status_code in {200, 400}
        if answer.status_code == 400:
            assert answer.headers["content-type"] == MEDIA_TYPE


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_any_parameters_of_the_form_s_type_give_an_upload_or_a_problem(parameters: str) -> None:
    answer = send({"Content-Type": f"multipart/form-data;{parameters}"}, part(IMAGE) + CLOSING)
    assert answer.status_code in {200, 400}


# The name of the result


def shown(disposition: str) -> list[str]:
    """The file names a browser may show: the plain one, and the extended one if there is one."""
    message = email.message.EmailMessage(policy=email.policy.HTTP)
    message["Content-Disposition"] = disposition
    assert message.get_content_disposition() == "inline"
    plain = message.get_filename()
    assert plain is not None
    extended = re.findall(r"; filename\*=UTF-8''([\w.~%-]+)$", disposition, re.ASCII)
    return [plain, *map(unquote, extended)]


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("photo.jpg", 'inline; filename="photo-grey.png"'),
        ("photo", 'inline; filename="photo-grey.png"'),
        ("photo.tar.gz", 'inline; filename="photo.tar-grey.png"'),
        ("a b (1).jpg", 'inline; filename="a b (1)-grey.png"'),
        ("", 'inline; filename="image-grey.png"'),
        ("/", 'inline; filename="image-grey.png"'),
        ("/etc/passwd", 'inline; filename="passwd-grey.png"'),
        ("../../etc/passwd", 'inline; filename="passwd-grey.png"'),
        ("C:\\Users\\me\\photo.jpg", 'inline; filename="photo-grey.png"'),
        ("..\\..\\photo.jpg", 'inline; filename="photo-grey.png"'),
        ("fünf.jpg", "inline; filename=\"f_nf-grey.png\"; filename*=UTF-8''f%C3%BCnf-grey.png"),
        ('a"b.jpg', "inline; filename=\"a_b-grey.png\"; filename*=UTF-8''a%22b-grey.png"),
        (
            "a\r\nSet-Cookie: x.jpg",
            (
                'inline; filename="a__Set-Cookie: x-grey.png"; '
                "filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x-grey.png"
            ),
        ),
    ],
)
def test_the_grey_image_is_named_after_the_upload(name: str, header: str) -> None:
    assert uploads.disposition(name, "png") == header


def test_an_upload_without_a_name_gives_a_result_without_one() -> None:
    assert uploads.disposition(None, "png") is None


@given(st.text(), st.sampled_from(["png", "jpg", "tif", "webp"]))
def test_any_name_gives_one_safe_header_that_a_strict_parser_reads(name: str, extension: str) -> None:
    header = uploads.disposition(name, extension)
    assert header is not None
    assert header.isascii()
    assert header.isprintable()
    assert len(header) < 2000
    for name_shown in shown(header):
        assert name_shown.endswith(f"-grey.{extension}")
        assert PurePosixPath(name_shown).name == name_shown
        assert "\\" not in name_shown


@given(
    st.text(
        st.characters(min_codepoint=33, exclude_characters='./\\"', exclude_categories=["C", "Z"]), min_size=1
    )
)
def test_every_letter_of_a_usual_name_survives(name: str) -> None:
    header = uploads.disposition(f"{name[:100]}.jpg", "png")
    assert header is not None
    assert shown(header)[-1] == f"{name[:100]}-grey.png"


async def _one_byte_and_no_more() -> AsyncIterator[bytes]:
    yield b"x"
    await asyncio.Event().wait()


def test_an_upload_that_stops_coming_in_is_ended_with_408() -> None:
    async def slowly(request: Request) -> Response:
        hurried = SETTINGS.model_copy(update={"slow_upload_seconds": 0.05})
        lease = Admission.of(hurried, lambda: 1, lambda _: None).lease()
        await uploads.receive(request, hurried, Buffers(Spool()), lease)
        raise AssertionError

    app = Starlette(
        routes=[Route("/convert", slowly, methods=["POST"])], exception_handlers={Problem: _refuse}
    )

    async def sent() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
            return await client.post("/convert", content=_one_byte_and_no_more())

    answer = asyncio.run(sent())
    assert answer.status_code == 408
    assert answer.json()["type"].endswith(":slow-upload")
    assert answer.headers["Connection"] == "close"
    told = {"limit": 51, "actual": 1, "setting": "GRISAILLE_SLOW_UPLOAD_SECONDS"}
    assert told.items() <= answer.json().items()
