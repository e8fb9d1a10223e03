"""Problems: one document on the wire, and back."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.problems import (
    KINDS,
    ImageTooLarge,
    MalformedImage,
    Problem,
    UploadTooLarge,
    parse,
)

MEMBERS = st.dictionaries(
    st.sampled_from(["limit", "actual", "setting", "offset", "entry"]),
    st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
OVERLOADED = {"type": "urn:grisaille:problem:overloaded", "detail": "full"}


def wire(problem: Problem) -> bytes:
    return json.dumps(problem.document()).encode()


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
@given(detail=st.text(), members=MEMBERS)
def test_every_kind_of_problem_survives_the_wire(
    kind: type[Problem], detail: str, members: dict[str, str | int | float]
) -> None:
    read = parse(wire(kind(detail, **members)))
    assert type(read) is kind
    assert (read.detail, read.members) == (detail, members)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_every_kind_has_an_error_status_a_title_and_a_type_of_its_own(kind: type[Problem]) -> None:
    document = kind("what happened").document()
    assert isinstance(document["status"], int)
    assert 400 <= document["status"] <= 504
    assert document["status"] != 502
    assert document["title"]
    assert document["type"] == f"urn:grisaille:problem:{kind.slug}"
    assert document["detail"] == "what happened"
    assert KINDS[kind.slug] is kind


def test_the_statuses_are_those_of_the_contract() -> None:
    assert {kind.status for kind in KINDS.values()} == {400, 404, 405, 408, 413, 415, 422, 500, 503, 504}


def test_exactly_the_problems_that_pass_say_when_to_ask_again() -> None:
    assert all((kind.retry_after is not None) == (kind.status == 503) for kind in KINDS.values())


@given(st.integers(0), st.integers(0), st.sampled_from([ImageTooLarge, UploadTooLarge]))
def test_a_passed_limit_tells_limit_actual_value_and_setting_in_words_and_members(
    limit: int, actual: int, kind: type[Problem]
) -> None:
    problem = kind.over("the thing", limit=limit, actual=actual, setting="GRISAILLE_THING")
    read = parse(wire(problem))
    assert read is not None
    assert read.members == {"limit": limit, "actual": actual, "setting": "GRISAILLE_THING"}
    assert all(str(told) in read.detail for told in (limit, actual, "GRISAILLE_THING", "the thing"))


def test_a_fault_in_a_file_tells_its_byte_offset() -> None:
    document = MalformedImage.at(1234, "a broken thing").document()
    assert document["offset"] == 1234
    assert document["detail"] == "a broken thing (byte 1234)"


def test_what_a_gateway_adds_for_its_client_is_no_member_of_the_problem() -> None:
    read = parse(json.dumps({**OVERLOADED, "request_id": "abc", "title": "t", "status": 503}).encode())
    assert read is not None
    assert read.members == {}


@given(st.binary())
def test_bytes_that_are_no_problem_document_parse_to_none(junk: bytes) -> None:
    assert parse(junk) is None


@given(JSON)
def test_json_that_is_no_problem_document_parses_to_none(value: object) -> None:
    assert parse(json.dumps(value).encode()) is None


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"type": "urn:grisaille:problem:overloaded"},
        {"detail": "full"},
        {"type": "urn:grisaille:problem:unheard-of", "detail": "x"},
        {"type": "about:blank", "detail": "x"},
        {"type": None, "detail": "x"},
        {"type": 5, "detail": "x"},
        {"type": ["urn:grisaille:problem:overloaded"], "detail": "x"},
    ],
)
def test_a_document_without_a_known_type_and_a_detail_parses_to_none(document: object) -> None:
    assert parse(json.dumps(document).encode()) is None


@pytest.mark.parametrize("detail", [None, 5, ["a"], {"a": 1}])
def test_a_detail_that_is_no_text_never_becomes_one_of_our_problems(detail: object) -> None:
    assert parse(json.dumps({**OVERLOADED, "detail": detail}).encode()) is None


@pytest.mark.parametrize("name", ["self", "cls", "members", "kind", ""])
def test_no_name_of_a_foreign_member_breaks_the_parser(name: str) -> None:
    read = parse(json.dumps({**OVERLOADED, name: 1}).encode())
    assert read is None or read.detail == "full"


def test_a_document_nested_deeper_than_the_parser_can_go_parses_to_none() -> None:
    assert parse(b"[" * (10 * sys.getrecursionlimit())) is None
