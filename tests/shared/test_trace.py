"""W3C Trace Context as the gateway takes it, makes it and passes it on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.service.trace import joined, trace_id

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def counted(size: int) -> bytes:
    return bytes(range(1, size + 1))


@pytest.mark.parametrize("flags", ["00", "01"])
def test_a_callers_trace_goes_on_with_a_span_of_ours(flags: str) -> None:
    ours = joined(f"00-{TRACE}-{SPAN}-{flags}", "vendor=1", counted)
    assert (ours.trace_id, ours.span_id, ours.flags) == (TRACE, counted(8).hex(), flags)
    header = f"00-{TRACE}-{counted(8).hex()}-{flags}"
    assert ours.headers == {"traceparent": header, "tracestate": "vendor=1"}


def test_flags_that_version_00_does_not_know_are_cleared() -> None:
    assert joined(f"00-{TRACE}-{SPAN}-ff", "", counted).flags == "03"


@pytest.mark.parametrize("state", ["", "a\r\nX-Evil: 1", "ä=1", "x" * 513])
def test_a_state_that_is_not_well_formed_is_dropped(state: str) -> None:
    assert "tracestate" not in joined(f"00-{TRACE}-{SPAN}-01", state, counted).headers


@pytest.mark.parametrize(
    "invalid",
    [
        "",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01\n",
    ],
)
def test_without_a_valid_one_a_new_trace_begins(invalid: str) -> None:
    assert joined(invalid, "", counted).trace_id == counted(16).hex()


def test_a_later_version_may_say_more() -> None:
    assert joined(f"01-{TRACE}-{SPAN}-01-more", "", counted).trace_id == TRACE


@given(st.text(max_size=80))
def test_whatever_a_caller_sends_we_pass_on_a_valid_one(given_one: str) -> None:
    ours = joined(given_one, "", counted)
    assert trace_id(ours.header) == ours.trace_id
