"""What `grey` refuses: what is over a limit, damaged, cut short or of no kind that it reads."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from support.damage import claiming, without_tables
from support.images import encoded, grey, image, jpeg, luma_plane, photo, pixels, png

from shared.codecs import convert
from shared.codecs.formats import Format
from shared.codecs.limits import Limits
from shared.options import Luma, Options
from shared.problems import ImageTooLarge, MalformedImage, UnsupportedFormat

AS_PNG = Options(format=Format.PNG)
CLAIMS = {
    "JPEG": jpeg(photo(8, 8)),
    "JPEG with markers": jpeg(photo(16, 16), restart_marker_rows=1),
    "PNG": png(photo(8, 8)),
    "progressive": jpeg(photo(8, 8), progressive=True),
}


@pytest.mark.parametrize("kind", CLAIMS)
def test_claims_over_the_limits_are_refused_by_name(kind: str) -> None:
    with pytest.raises(ImageTooLarge) as caught:
        grey(claiming(CLAIMS[kind], 60000, 60000), AS_PNG)
    assert caught.value.members["actual"] == 3_600_000_000
    assert str(caught.value.members["setting"]).startswith("GRISAILLE_MAX_PIXELS")


def test_each_limit_has_its_own_say() -> None:
    data = memoryview(png(photo(100, 50)))
    for limits, setting in [
        (Limits(max_pixels=4999), "GRISAILLE_MAX_PIXELS"),
        (Limits(max_side=99), "GRISAILLE_MAX_SIDE"),
    ]:
        with pytest.raises(ImageTooLarge, match=setting):
            convert.grey(data, AS_PNG, limits)
    webp = memoryview(encoded(image(photo(100, 50)), "WEBP"))
    with pytest.raises(ImageTooLarge, match="GRISAILLE_MAX_PIXELS_WHOLE"):
        convert.grey(webp, AS_PNG, Limits(max_pixels_whole=4999))


@pytest.mark.parametrize(
    ("written", "limit"), [(Format.JPEG, 65500), (Format.WEBP, 16383)], ids=["jpeg", "webp"]
)
def test_formats_with_short_sides_refuse_long_pictures(written: Format, limit: int) -> None:
    data = png(np.zeros((1, limit + 1, 1), np.uint8))
    with pytest.raises(ImageTooLarge, match=str(limit)):
        grey(data, Options(format=written))


def test_what_no_decoder_knows_is_unsupported() -> None:
    for data in (b"hello", b"%PDF-1.7", bytes(100), b"\xff\xd8"):
        with pytest.raises(UnsupportedFormat):
            grey(data, AS_PNG)


@pytest.mark.parametrize("kind", ["TIFF", "WEBP", "GIF", "BMP", "AVIF"])
def test_truncated_files_of_other_formats_are_malformed(kind: str) -> None:
    data = encoded(image(photo(100, 80)), kind)
    for length in (14, len(data) // 4, len(data) // 2):
        with pytest.raises(MalformedImage):
            grey(data[:length], AS_PNG)


def test_thirty_two_bit_samples_are_unsupported() -> None:
    deep = Image.fromarray(np.zeros((8, 8), np.float32))
    out = io.BytesIO()
    deep.save(out, "TIFF")
    with pytest.raises(UnsupportedFormat):
        grey(out.getvalue(), AS_PNG)


def without_the_lower_half(data: bytes) -> bytes:
    """The entropy-coded data cut in the middle, with an EOI behind it."""
    start = data.index(b"\xff\xda")
    return data[: (start + len(data)) // 2].rstrip(b"\xff") + b"\xff\xd9"


@pytest.mark.parametrize("save", [{}, {"progressive": True}, {"subsampling": "4:4:4"}])
@pytest.mark.parametrize("written", [Format.PNG, Format.JPEG, Format.WEBP])
def test_data_cut_short_is_never_half_a_picture(save: dict[str, object], written: Format) -> None:
    data = without_the_lower_half(jpeg(photo(640, 640), **save))
    with pytest.raises(MalformedImage):
        grey(data, Options(format=written))


def test_intervals_without_data_are_malformed() -> None:
    data = jpeg(photo(320, 320), restart_marker_rows=1)
    cuts = data.index(b"\xff\xd3"), data.index(b"\xff\xd4")
    emptied = data[: cuts[0] + 2] + data[cuts[1] :]
    with pytest.raises(MalformedImage):
        grey(emptied, AS_PNG)


def test_bytes_left_over_before_a_marker_do_no_harm() -> None:
    data = jpeg(photo(320, 320), restart_marker_rows=1)
    marker = data.index(b"\xff\xd3")
    padded = data[:marker] + bytes(16) + data[marker:]
    assert np.array_equal(pixels(grey(padded, AS_PNG)), luma_plane(data))


@pytest.mark.parametrize("luma", Luma)
@pytest.mark.parametrize("rows", [None, (0, 16)])
def test_a_jpeg_without_its_tables_is_malformed(luma: Luma, rows: tuple[int, int] | None) -> None:
    data = without_tables(jpeg(photo(64, 64), restart_marker_rows=1))
    with pytest.raises(MalformedImage):
        grey(data, Options(format=Format.PNG, luma=luma, rows=rows))


def test_one_giant_restart_unit_counts_as_decoded_whole() -> None:
    limits = Limits(max_pixels_whole=50_000)
    data = memoryview(jpeg(photo(320, 320), restart_marker_rows=10))
    with pytest.raises(ImageTooLarge, match="WHOLE"):
        convert.grey(data, AS_PNG, limits)
    fine = memoryview(jpeg(photo(320, 320), restart_marker_rows=1))
    assert convert.grey(fine, AS_PNG, limits).size > 0


def test_scans_are_paid_for_by_the_pixel() -> None:
    data = jpeg(photo(320, 320), progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    bomb = memoryview(data[:-2] + scan * 40 + b"\xff\xd9")
    limits = Limits(max_pixels_whole=110_000)
    assert convert.grey(memoryview(data), AS_PNG, limits).size > 0
    with pytest.raises(ImageTooLarge, match="scans"):
        convert.grey(bomb, AS_PNG, limits)


def test_a_gif_that_ends_where_its_second_frame_is_described_is_malformed() -> None:
    frames = [image(photo(40, 30)).rotate(90 * i) for i in range(2)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    second = data.rindex(b"," + bytes(4) + b"\x28\0\x1e\0")
    with pytest.raises(MalformedImage):
        grey(data[: second + 4], AS_PNG)
