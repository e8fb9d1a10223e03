"""`grey`, the one definition of the result, against Pillow; options, limits and notes."""

from __future__ import annotations

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
)

from shared.codecs import convert
from shared.codecs.formats import Format
from shared.options import Effort, Keep, Luma, Options

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


def test_structure_tags_of_exif_do_not_reach_a_tiff() -> None:
    exif = Image.Exif()
    for tag, value in {0x0112: 6, 0x010F: "Maker", 0x0106: 6, 0x0102: 8, 0x0115: 3, 0x0153: 1}.items():
        exif[tag] = value
    result = opened(grey(jpeg(photo(64, 48), exif=exif), Options(format=Format.TIFF)))
    assert result.mode == "L"
    assert (result.getexif()[0x010F], result.size) == ("Maker", (48, 64))  # Pillow turns it
