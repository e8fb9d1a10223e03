"""JPEGs without restart markers on the running service: cut by a scan, joined, and judged when damaged."""

from __future__ import annotations

from functools import partial
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.damage import verdict_and_pictures
from support.images import converted, grey, jpeg, luma_plane, photo, pixels, verdict
from support.jpegs import OPTIMISED, WRITERS, cuts_of, header_of
from support.service import Service, plan, within

from shared.codecs.formats import Format
from shared.options import Luma, Options

COUNTS = (2, 3, 8, 32)
STRIPES = (1, 2, 3, 7)
PICTURE = photo(403, 603)
FILES = {writer: make(PICTURE, 85) for writer, make in (WRITERS | OPTIMISED).items()}
DAMAGED = {
    "4:2:0": jpeg(photo(160, 200), subsampling="4:2:0"),
    "4:4:4 optimised": jpeg(photo(160, 200), subsampling="4:4:4", optimize=True),
    "grey": jpeg(photo(160, 200, 1)),
}


@pytest.mark.parametrize("writer", FILES)
def test_every_number_of_stripes_gives_the_luma_plane(service: Service, writer: str) -> None:
    right = luma_plane(FILES[writer])
    for count in COUNTS:
        answer = service.convert(FILES[writer], stripes=count, format="png")
        assert plan(answer) == ("stripes", min(count, cuts_of(FILES[writer]).units))
        assert "reason=asked" in answer.headers["X-Grisaille-Plan"]
        assert np.array_equal(pixels(answer.content), right)


@pytest.mark.parametrize("writer", FILES)
def test_every_number_of_stripes_gives_pillows_grey_through_rgb(service: Service, writer: str) -> None:
    right = converted(FILES[writer])
    for count in COUNTS:
        answer = service.convert(FILES[writer], stripes=count, format="png", luma="bt601-rgb")
        assert plan(answer) == ("stripes", min(count, cuts_of(FILES[writer]).units))
        assert np.array_equal(pixels(answer.content), right)


@pytest.mark.parametrize("writer", FILES)
def test_every_number_of_stripes_keeps_the_coefficients(service: Service, writer: str) -> None:
    whole = grey(FILES[writer], Options())
    assert np.array_equal(pixels(whole), luma_plane(FILES[writer]))
    for count in (1, *COUNTS):
        answer = service.convert(FILES[writer], stripes=count)
        stripes = min(count, cuts_of(FILES[writer]).units)
        assert plan(answer) == ("stripes" if stripes > 1 else "whole", stripes)
        assert "X-Grisaille-Note" not in answer.headers
        assert answer.content == whole


def test_all_three_workers_take_part(service: Service) -> None:
    def parts() -> list[str]:
        found: list[str] = (
            service.convert(FILES["pillow 4:2:0"], stripes=8).headers["X-Grisaille-Parts"].split(", ")
        )
        assert len(found) == 8
        return found

    assert within(lambda: len({part.split(";")[0] for part in parts()}) == 3)


@pytest.mark.parametrize("written", [Format.PNG, Format.JPEG])
def test_a_tiny_picture_whose_tables_make_no_filler_is_converted_whole(
    service: Service, written: Format
) -> None:
    refused = []
    for make, (width, height) in product(OPTIMISED.values(), [(17, 33), (40, 64)]):
        data = make(photo(width, height), 75)
        for count in COUNTS:
            answer = service.convert(data, stripes=count, format=written)
            assert np.array_equal(pixels(answer.content), luma_plane(data))
            refused.append("reason=stripe-refused" in answer.headers["X-Grisaille-Plan"])
            assert plan(answer)[1] == (1 if refused[-1] else min(count, cuts_of(data).units))
    assert 0 < sum(refused) < len(refused) / 2


def test_what_is_not_lossless_says_so(service: Service) -> None:
    progressive = jpeg(photo(64, 64), progressive=True)
    assert service.convert(progressive).headers["X-Grisaille-Note"] == "requantised"
    through_rgb = service.convert(FILES["pillow 4:2:0"], luma=Luma.BT601_RGB, stripes=4)
    assert plan(through_rgb) == ("stripes", 4)
    assert through_rgb.headers["X-Grisaille-Note"] == "requantised"
    asked = service.convert(FILES["pillow 4:2:0"], quality=80, stripes=4)
    assert "X-Grisaille-Note" not in asked.headers


def check_damaged(service: Service, data: bytes) -> int:
    """The law: one verdict for every number of stripes and both formats; a picture is the in-process one."""
    found = set()
    for written in (Format.PNG, Format.JPEG):
        options = Options(format=written)
        status, answers = verdict_and_pictures(service, data, STRIPES, format=written.value)
        found.add(status)
        assert status == verdict(partial(grey, options=options), data)
        if status == 200:
            right = pixels(grey(data, options))
            assert all(np.array_equal(pixels(answer), right) for answer in answers)
    assert len(found) == 1, found
    return found.pop()


@given(kind=st.sampled_from(list(DAMAGED)), draw=st.data())
def test_flipped_bits(service: Service, kind: str, draw: st.DataObject) -> None:
    damaged = bytearray(DAMAGED[kind])
    start = header_of(DAMAGED[kind]).ecs_start
    for _ in range(draw.draw(st.integers(1, 3))):
        bit = draw.draw(st.integers(8 * start, 8 * len(damaged) - 1))
        damaged[bit // 8] ^= 1 << bit % 8
    check_damaged(service, bytes(damaged))


@pytest.mark.parametrize("kind", DAMAGED)
def test_data_cut_short_is_refused(service: Service, kind: str) -> None:
    data, start = DAMAGED[kind], header_of(DAMAGED[kind]).ecs_start
    for length in (start, start + 1, (start + len(data)) // 2, len(data) - 60, len(data) - 4):
        for tail in (b"", b"\xff\xd9"):
            assert check_damaged(service, data[:length].rstrip(b"\xff") + tail) == 422


@pytest.mark.parametrize("kind", DAMAGED)
def test_codes_that_no_table_has_get_one_verdict_wherever_they_are(service: Service, kind: str) -> None:
    data, start = DAMAGED[kind], header_of(DAMAGED[kind]).ecs_start
    for share in (0.05, 0.5, 0.95):
        at = start + int((len(data) - start) * share)
        damaged = data[:at].rstrip(b"\xff") + b"\xff\x00" * 20 + data[at:]
        check_damaged(service, damaged)
        # With data left over, which libjpeg warns of last.
        check_damaged(service, damaged[:-2] + bytes(9000) + b"\xff\xd9")


@pytest.mark.parametrize("kind", DAMAGED)
def test_data_that_goes_on_is_judged_on_the_whole(service: Service, kind: str) -> None:
    longer = DAMAGED[kind][:-2] + bytes(100) + b"\xff\xd9"
    assert check_damaged(service, longer) == 200
    answer = service.convert(longer, stripes=3, format="png")
    assert "reason=stripe-refused" in answer.headers["X-Grisaille-Plan"]
    assert np.array_equal(pixels(answer.content), luma_plane(DAMAGED[kind]))


def test_damage_in_the_last_rows_is_found_though_the_first_stripes_are_on_their_way(
    service: Service,
) -> None:
    data = FILES["pillow 4:2:0"]
    damaged = data[:-200].rstrip(b"\xff") + b"\xff\xd9"
    for count in (1, *COUNTS):
        for written in ("png", "jpeg"):
            answer = service.convert(damaged, stripes=count, format=written)
            assert answer.status_code == 422
            assert answer.json()["type"].endswith("malformed-image")
    assert plan(service.convert(data, stripes=32)) == ("stripes", 32)
