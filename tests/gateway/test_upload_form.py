"""Uploads: multipart forms, whoever wrote them and in whatever pieces they come."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.uploads import (
    BOUNDARY,
    CLOSING,
    FIELD,
    FORM,
    IMAGE,
    Body,
    form,
    part,
    received,
    refused,
    send,
    split,
)

from shared.problems import MEDIA_TYPE

AWKWARD = st.lists(
    st.sampled_from(
        [b"\r", b"\n", b"\r\n", b"-", b"--", b"\r\n-", b"\r\n--", b"\r\n--b", b"\r\n--b-", b"b-1"]
    )
    | st.binary(max_size=4),
    max_size=12,
).map(b"".join)
"""Bytes that look like the beginning of a boundary."""


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
