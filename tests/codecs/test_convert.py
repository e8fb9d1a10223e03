"""`grey`, the one definition of the result, against Pillow; options, limits and notes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageCms
from support.images import (
    LIMITS,
    converted,
    encoded,
    grey,
    image,
    jpeg,
    luma_plane,
    opened,
    photo,
    pixels,
    png,
    unpacked,
)
from support.pngs import any_kind

from shared.codecs import convert
from shared.codecs.formats import Format
from shared.codecs.limits import Limits
from shared.codecs.picture import Band
from shared.options import Effort, Keep, Luma, Options
from shared.problems import (
    ImageTooLarge,
    InvalidOption,
    MalformedImage,
    Overloaded,
    UnsupportedFormat,
)

AS_PNG = Options(format=Format.PNG)
AS_JPEG = Options(format=Format.JPEG)


def notes(data: bytes, options: Options) -> tuple[str, ...]:
    return convert.grey(memoryview(data), options, LIMITS).notes


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("rows", [0, 1, 3])
def test_luma_is_pillows_of_every_kind_of_jpeg(subsampling: str, rows: int) -> None:
    data = jpeg(photo(1001, 1203), subsampling=subsampling, restart_marker_rows=rows)
    assert np.array_equal(pixels(grey(data, AS_PNG)), luma_plane(data))
    through_rgb = replace(AS_PNG, luma=Luma.BT601_RGB)
    assert np.array_equal(pixels(grey(data, through_rgb)), converted(data))


@pytest.mark.parametrize(
    ("kind", "save"),
    [
        ("JPEG", {"progressive": True}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("WEBP", {"lossless": True}),
        ("GIF", {}),
        ("BMP", {}),
        ("AVIF", {}),
    ],
)
def test_other_formats_are_what_pillow_makes_of_them(kind: str, save: dict[str, object]) -> None:
    data = encoded(image(photo(200, 150)), kind, **save)
    expected = luma_plane(data) if kind == "JPEG" else converted(data)
    assert np.array_equal(pixels(grey(data, AS_PNG)), expected)


def test_cmyk_is_what_pillow_makes_of_it() -> None:
    data = encoded(image(photo(200, 150)).convert("CMYK"), "JPEG")
    assert np.array_equal(pixels(grey(data, AS_PNG)), converted(data))


def test_the_first_frame_of_an_animation_is_taken_and_noted() -> None:
    frames = [image(photo(40, 30)).rotate(90 * i) for i in range(3)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.array_equal(pixels(grey(data, AS_PNG)), converted(data))
    assert notes(data, AS_PNG) == ("first-frame",)
    apng = encoded(frames[0], "PNG", save_all=True, append_images=frames[1:])
    assert np.array_equal(pixels(grey(apng, AS_PNG)), converted(encoded(frames[0], "PNG")))
    assert notes(apng, AS_PNG) == ("first-frame",)


def test_a_gif_that_ends_where_its_second_frame_is_described_is_malformed() -> None:
    frames = [image(photo(40, 30)).rotate(90 * i) for i in range(2)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    second = data.rindex(b"," + bytes(4) + b"\x28\0\x1e\0")
    with pytest.raises(MalformedImage):
        grey(data[: second + 4], AS_PNG)


@pytest.mark.parametrize("written", [Format.PNG, Format.TIFF, Format.WEBP])
def test_lossless_formats_carry_the_same_grey(written: Format) -> None:
    data = png(photo(300, 200))
    result = opened(grey(data, Options(format=written)))
    assert result.format == written.name
    assert np.array_equal(np.asarray(result.convert("L")), converted(data))


def test_the_source_decides_the_format_where_none_is_asked_for() -> None:
    made = {
        kind: opened(grey(encoded(image(photo(30, 20)), kind), Options())).format
        for kind in ("JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP")
    }
    same = {"JPEG": "JPEG", "PNG": "PNG", "TIFF": "TIFF", "WEBP": "WEBP"}
    assert made == same | {"GIF": "PNG", "BMP": "PNG"}


def test_alpha_stays_in_png_and_is_composited_on_white_in_jpeg() -> None:
    data = png(photo(300, 200, 4))
    assert np.array_equal(pixels(grey(data, AS_PNG)), converted(data))
    flat = Image.new("RGBA", (300, 200), "white")
    flat.alpha_composite(opened(data))
    wanted = np.asarray(flat.convert("L")).astype(int)
    got = pixels(grey(data, replace(AS_JPEG, quality=100))).astype(int)
    assert np.abs(got - wanted).max() <= 3  # what the JPEG itself loses
    assert notes(data, AS_JPEG) == ("flattened",)


def test_grey_under_full_transparency_stays_in_webp_as_in_png() -> None:
    picture = photo(64, 48, 4)
    picture[:, :32, 3] = 0
    as_webp = opened(grey(png(picture), Options(format=Format.WEBP)))
    assert np.array_equal(np.asarray(as_webp)[:, :, ::3], pixels(grey(png(picture), AS_PNG)))


def test_sixteen_bits_stay_or_are_narrowed_by_the_formula_and_noted() -> None:
    wide = (np.arange(64 * 1024, dtype=np.uint32)).astype(np.uint16).reshape(256, 256)
    data = encoded(Image.fromarray(wide), "PNG")
    for options in (AS_PNG, Options(format=Format.TIFF)):
        assert np.array_equal(pixels(grey(data, options)), wide)
        assert notes(data, options) == ()
    expected = (wide.astype(np.uint32) * 255 + 32767) // 65535
    as_webp = Options(format=Format.WEBP)
    assert np.array_equal(np.asarray(opened(grey(data, as_webp)).convert("L")), expected)
    assert notes(data, as_webp) == notes(data, AS_JPEG) == ("narrowed",)


@pytest.mark.parametrize("kind", [{"progressive": True}, {"keep_rgb": True}])
def test_a_jpeg_that_is_not_baseline_keeps_its_own_table_and_others_get_quality_90(
    kind: dict[str, bool],
) -> None:
    data = jpeg(photo(64, 64), quality=37, **kind)
    table = opened(data).quantization[0]  # type: ignore[attr-defined]
    assert opened(grey(data, AS_JPEG)).quantization[0] == table  # type: ignore[attr-defined]
    assert notes(data, AS_JPEG) == ("requantised",)
    ninety = opened(jpeg(photo(64, 64), quality=90)).quantization[0]  # type: ignore[attr-defined]
    from_png = opened(grey(png(photo(64, 64)), AS_JPEG))
    assert from_png.quantization[0] == ninety  # type: ignore[attr-defined]


@pytest.mark.parametrize("quality", [1, 50, 95, 100])
def test_quality_is_libjpegs(quality: int) -> None:
    wanted = opened(jpeg(photo(64, 64), quality=quality)).quantization[0]  # type: ignore[attr-defined]
    for source in (jpeg(photo(64, 64)), png(photo(64, 64))):
        result = opened(grey(source, replace(AS_JPEG, quality=quality)))
        assert result.quantization[0] == wanted  # type: ignore[attr-defined]
        assert notes(source, replace(AS_JPEG, quality=quality)) == ()


def test_effort_changes_size_and_no_pixel() -> None:
    data = png(photo(600, 400))
    results = [grey(data, replace(AS_PNG, effort=effort)) for effort in Effort]
    assert len({len(result) for result in results}) == len(results)
    assert all(np.array_equal(pixels(result), converted(data)) for result in results)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("written", [Format.JPEG, Format.PNG])
def test_orientation_is_kept_and_never_applied(kind: str, written: Format) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(image(photo(64, 48)), kind, exif=exif)
    kept = opened(grey(data, Options(format=written)))
    assert kept.getexif()[0x0112] == 6
    assert kept.size == (64, 48)
    assert np.abs(np.asarray(kept).astype(int) - converted(png(photo(64, 48)))).mean() < 4
    stripped = opened(grey(data, Options(format=written, metadata=Keep.STRIP)))
    assert not stripped.getexif()


def test_resolution_is_kept() -> None:
    data = jpeg(photo(64, 48), dpi=(300, 150))
    assert opened(grey(data, AS_JPEG)).info["dpi"] == (300, 150)
    assert opened(grey(data, AS_PNG)).info["dpi"] == pytest.approx((300, 150), abs=0.02)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("written", [Format.JPEG, Format.PNG])
def test_a_colour_profile_never_stays_on_grey(kind: str, written: Format) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encoded(image(photo(64, 48)), kind, icc_profile=profile)
    assert "icc_profile" not in opened(grey(data, Options(format=written))).info


def test_a_whole_image_and_a_part_differ_in_metadata_alone() -> None:
    data = jpeg(photo(64, 48), dpi=(300, 300), comment=b"hello")
    part = grey(data, replace(AS_PNG, part=True))
    assert "dpi" not in opened(part).info
    assert np.array_equal(pixels(part), pixels(grey(data, AS_PNG)))


@pytest.mark.parametrize(("first", "count"), [(0, 64), (8, 40), (16, 1), (48, 16)])
@pytest.mark.parametrize("luma", Luma)
@pytest.mark.parametrize("progressive", [False, True])
def test_rows_keeps_these_rows(first: int, count: int, luma: Luma, *, progressive: bool) -> None:
    data = jpeg(photo(100, 64), subsampling="4:2:0", progressive=progressive)
    whole = pixels(grey(data, Options(format=Format.PNG, luma=luma)))
    kept = pixels(grey(data, Options(format=Format.PNG, luma=luma, rows=(first, count))))
    assert np.array_equal(kept, whole[first : first + count])


def test_rows_outside_the_image_or_of_other_formats_are_refused() -> None:
    for data in (jpeg(photo(64, 64)), png(photo(64, 64))):
        with pytest.raises(InvalidOption):
            grey(data, replace(AS_PNG, rows=(64, 8)))
    with pytest.raises(InvalidOption):
        grey(png(photo(64, 64)), replace(AS_PNG, rows=(0, 8)))


def test_cancelling_ends_the_work_between_bands() -> None:
    calls = []

    def check() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise Overloaded("stop")

    data = png(photo(1000, 4000))
    with pytest.raises(Overloaded):
        convert.grey(memoryview(data), AS_PNG, LIMITS, check=check)
    assert len(calls) == 2


def test_cancelling_ends_an_interlaced_picture_between_its_passes() -> None:
    calls, seen = [], []

    def check() -> None:
        calls.append(1)
        if len(calls) == 7:
            raise Overloaded("stop")

    def watched(bands: Iterator[Band]) -> Iterator[Band]:
        for band in bands:
            seen.append(band)
            yield band

    data = any_kind(300, 200, 2, 8, interlaced=True, transparent=False)
    with pytest.raises(Overloaded):
        convert.grey(memoryview(data), AS_PNG, LIMITS, check=check, watched=watched)
    assert seen == []


def test_overlapping_the_stages_changes_nothing() -> None:
    data = png(photo(1000, 2000, 4))
    overlapped = convert.grey(memoryview(data), AS_PNG, LIMITS, overlap=True)
    assert unpacked(b"".join(overlapped.pieces)) == unpacked(grey(data, AS_PNG))


def test_overlapping_reports_damage_all_the_same() -> None:
    data = bytearray(png(photo(1000, 2000)))
    data[len(data) // 2] ^= 1
    with pytest.raises(MalformedImage):
        convert.grey(memoryview(data), AS_PNG, LIMITS, overlap=True)


CLAIMS = {
    "JPEG": jpeg(photo(8, 8)),
    "JPEG with markers": jpeg(photo(16, 16), restart_marker_rows=1),
    "PNG": png(photo(8, 8)),
    "progressive": jpeg(photo(8, 8), progressive=True),
}


def claiming(data: bytes, width: int, height: int) -> bytes:
    """A tiny file whose header claims a size."""
    if data[:2] == b"\xff\xd8":
        frame = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
        sizes = height.to_bytes(2, "big") + width.to_bytes(2, "big")
        return data[: frame + 5] + sizes + data[frame + 9 :]
    from shared.codecs.png.chunks import PngHeader, ihdr  # noqa: PLC0415 - for this branch alone

    return ihdr(PngHeader(width, height, 8, 2, interlaced=False)) + data[33:]


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
    data = jpeg(photo(64, 64), restart_marker_rows=1)
    while (table := data.find(b"\xff\xdb")) >= 0:
        data = data[:table] + data[table + 2 + int.from_bytes(data[table + 2 : table + 4], "big") :]
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


def test_structure_tags_of_exif_do_not_reach_a_tiff() -> None:
    exif = Image.Exif()
    for tag, value in {0x0112: 6, 0x010F: "Maker", 0x0106: 6, 0x0102: 8, 0x0115: 3, 0x0153: 1}.items():
        exif[tag] = value
    result = opened(grey(jpeg(photo(64, 48), exif=exif), Options(format=Format.TIFF)))
    assert result.mode == "L"
    assert (result.getexif()[0x010F], result.size) == ("Maker", (48, 64))  # Pillow turns it
