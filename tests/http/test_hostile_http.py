"""Damaged and lying files: a picture or a 4xx problem, quickly, and the same verdict however cut."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.damage import (
    SLOWEST_SECONDS,
    chunk_borders,
    claiming,
    marker_borders,
    verdict,
    without_tables,
)
from support.images import encoded, image, jpeg, luma_plane, photo, pixels, png
from support.service import Service, peak, processes, running, within

from shared.codecs.jpeg import markers, restarts

SLICED = jpeg(photo(320, 256), quality=85, restart_marker_rows=1)
PROGRESSIVE = jpeg(photo(120, 90), progressive=True)
PNG = png(photo(120, 90))
STRIPES = (1, 2, 7)


@given(data=st.binary(max_size=2000), head=st.sampled_from([b"", SLICED[:700], PNG[:60]]))
def test_random_bytes(service: Service, data: bytes, head: bytes) -> None:
    verdict(service, head + data, STRIPES)


@given(sample=st.sampled_from([SLICED, PROGRESSIVE, PNG]), bits=st.data())
def test_flipped_bits(service: Service, sample: bytes, bits: st.DataObject) -> None:
    damaged = bytearray(sample)
    for _ in range(bits.draw(st.integers(1, 3))):
        bit = bits.draw(st.integers(0, 8 * len(sample) - 1))
        damaged[bit // 8] ^= 1 << bit % 8
    verdict(service, bytes(damaged), STRIPES)


@pytest.mark.parametrize("sample", [SLICED, PROGRESSIVE], ids=["baseline", "progressive"])
def test_a_jpeg_cut_at_any_marker_is_refused(service: Service, sample: bytes) -> None:
    for border in marker_borders(sample):
        for length in (border, border + 1, border + 2):
            assert verdict(service, sample[:length], STRIPES) in {415, 422}


def test_a_png_cut_at_any_chunk_is_refused(service: Service) -> None:
    for border in chunk_borders(PNG):
        for length in (border, border + 4, border + 8):
            assert verdict(service, PNG[:length], STRIPES) in {415, 422}


def interval_start(number: int) -> int:
    """Offset of the data of one restart interval of SLICED."""
    header = markers.parse(memoryview(SLICED))
    ecs = restarts.entropy_segment(memoryview(SLICED), header.ecs_start)
    return int(ecs.markers[number - 1]) + 2


def test_codes_that_no_table_has_are_refused(service: Service) -> None:
    damaged = bytearray(SLICED)
    start = interval_start(8)
    damaged[start : start + 40] = b"\xff\x00" * 20
    assert verdict(service, bytes(damaged), STRIPES) == 422


def test_a_stripe_with_bytes_left_over_is_judged_on_the_whole(service: Service) -> None:
    border = interval_start(8) - 2
    padded = SLICED[:border] + bytes(16) + SLICED[border:]
    answer = service.convert(padded, stripes=4, format="png")
    assert "reason=stripe-refused" in answer.headers["X-Grisaille-Plan"]
    assert np.array_equal(pixels(answer.content), luma_plane(SLICED))


def test_a_file_without_tables_is_refused_and_harms_no_worker(service: Service) -> None:
    bare = without_tables(SLICED)
    for luma in ("bt601", "bt601-rgb"):
        for stripes in STRIPES:
            assert service.convert(bare, luma=luma, stripes=stripes).status_code == 422
    # All three serve again at once, or as soon as they have ended what was cancelled on them; one that
    # was ejected would be away for ten seconds.
    assert within(lambda: uses_all_three(service), seconds=8)


def uses_all_three(service: Service) -> bool:
    plan = service.convert(SLICED, stripes=3, format="png").headers["X-Grisaille-Plan"]
    return plan.startswith("stripes; stripes=3; workers=3;")


@pytest.fixture(scope="module")
def alone() -> Iterator[Service]:
    """A service with one worker that does nothing else meanwhile, and that may be hurt."""
    with running(workers=1) as started:
        yield started


def test_a_dead_decoder_process_is_not_the_next_files_fault(alone: Service) -> None:
    gif = encoded(image(photo(40, 30)), "GIF")
    assert alone.convert(gif).status_code == 200
    (worker,) = alone.children("worker")
    decoders = grandchildren(worker)
    assert decoders
    end(decoders)
    assert alone.convert(gif).status_code == 200
    end(children(worker) | grandchildren(worker))  # and what forks them
    assert alone.convert(gif).status_code == 200


def children(pid: int) -> set[int]:
    return {process.pid for process in processes() if process.parent == pid}


def grandchildren(pid: int) -> set[int]:
    return set().union(*map(children, children(pid)))


def end(pids: set[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert within(lambda: not pids & {process.pid for process in processes()})


def test_a_decoder_process_is_there_before_the_first_file_and_its_successor_is_forked() -> None:
    with running(workers=1, slots=1, child_conversions=3) as service:
        gif = encoded(image(photo(40, 30)), "GIF")
        (worker,) = service.children("worker")
        forks, seen = children(worker), set[int]()
        for _ in range(5):
            seen |= grandchildren(worker)
            assert service.convert(gif).status_code == 200
        assert len(seen) == 2
        assert children(worker) == forks


def test_a_header_that_is_not_ascii_is_not_passed_on(service: Service) -> None:
    for value in ("\u00e9", "00-" + "a" * 32 + "-" + "b" * 16 + "-01"):
        headers = {"traceparent": value.encode("latin-1")}
        answer = httpx.post(f"{service.url}/convert", content=SLICED, headers=headers)  # type: ignore[arg-type]
        assert answer.status_code == 200


@pytest.mark.parametrize("sample", [SLICED, PROGRESSIVE, PNG], ids=["jpeg", "progressive", "png"])
def test_a_claimed_gigantic_size_costs_no_memory(alone: Service, sample: bytes) -> None:
    pids = alone.children("gateway") + alone.children("worker")
    assert alone.convert(sample).status_code == 200
    before = [peak(pid) for pid in pids]
    for side in (60_000, 33_000, 10_500):
        answer = alone.convert(claiming(sample, side, side))
        assert answer.status_code == 422, answer.text
    assert answer.elapsed.total_seconds() < SLOWEST_SECONDS
    assert max(peak(pid) - base for pid, base in zip(pids, before, strict=True)) < 32 << 20
