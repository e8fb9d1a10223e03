"""The metadata of every image made by others, before and after, as ExifTool reads it."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import pyvips
from PIL import ImageCms
from support.images import grey
from support.metadata import by_exiftool, chunks_of
from support.service import Service

from shared.codecs.formats import Format
from shared.options import Options
from shared.problems import KINDS

GOLDEN = dict(line.split() for line in (Path(__file__).parent / "golden.txt").read_text().splitlines())
NAMES = [name for name, verdict in GOLDEN.items() if verdict not in KINDS]
EXIF_GROUPS = ("IFD0:", "ExifIFD:", "GPS:", "InteropIFD:", "Apple:", "Canon:", "Nikon:", "Sony:", "Fujifilm:")
STORED = {"IFD0:" + name for name in ("ImageWidth", "ImageHeight", "BitsPerSample", "SamplesPerPixel")}
STORED |= {"IFD0:" + name for name in ("Compression", "Predictor", "PlanarConfiguration", "RowsPerStrip")}
STORED |= {"IFD0:" + name for name in ("StripOffsets", "StripByteCounts", "ExtraSamples")}
STORED |= {"IFD0:" + name for name in ("PhotometricInterpretation", "YCbCrPositioning")}
STORED |= {"IFD0:" + name for name in ("XResolution", "YResolution", "ResolutionUnit")}
"""In TIFF what says how this very picture is stored, or its resolution, which has a test of its own."""
BOUND = ("InteropIFD:", "Apple:", "Canon:", "Nikon:", "Sony:", "Fujifilm:")
"""Groups whose offsets count from the start of a file: they do not survive a move into a TIFF."""
XMP_GROUP = "XMP-"
TEXTS = ("Comment", "Title", "Author", "Copyright", "Description", "Software", "Disclaimer")
PICTURES = ("ThumbnailImage", "PhotoshopThumbnail", "PreviewImage", "MPImage2", "JFIFThumbnail", "OtherImage")
COLOUR_GROUPS = ("MPF0:", "MPImage", "XMP-hdrgm:", "XMP-GContainer:", "Adobe:", "IFD1:", "JFXX:")

Tags = Mapping[str, Any]


@pytest.fixture(scope="module")
def before(corpus: Path) -> dict[str, Tags]:
    """All tags of the sources."""
    return dict(zip(NAMES, by_exiftool(*(corpus / name for name in NAMES)), strict=True))


@pytest.fixture(scope="module", params=[Format.PNG, Format.JPEG, Format.TIFF, Format.WEBP])
def written(request: pytest.FixtureRequest) -> Format:
    chosen: Format = request.param
    return chosen


@pytest.fixture(scope="module")
def results(corpus: Path, written: Format, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The grey pictures, as files."""
    folder = tmp_path_factory.mktemp(written.value)
    made = {}
    for name in NAMES:
        made[name] = folder / f"{Path(name).name}.{written.extension}"
        made[name].write_bytes(grey((corpus / name).read_bytes(), Options(format=written)))
    return made


@pytest.fixture(scope="module")
def after(results: dict[str, Path]) -> dict[str, Tags]:
    """All tags of the grey pictures."""
    return dict(zip(results, by_exiftool(*results.values()), strict=True))


def of(tags: Tags, groups: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in tags.items() if name.startswith(groups)}


def named(tags: Tags, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in tags.items() if name.rpartition(":")[2] in names}


def test_exif_and_xmp_say_what_they_said(
    before: dict[str, Tags], after: dict[str, Tags], written: Format
) -> None:
    """Orientation, dates, places and, but for TIFF, MakerNotes among them."""
    for name in NAMES:
        assert exif_of(after[name], written) == exif_of(before[name], written), name
        gone = of(before[name], COLOUR_GROUPS)
        stays = {tag: value for tag, value in of(before[name], (XMP_GROUP,)).items() if tag not in gone}
        assert of(after[name], (XMP_GROUP,)) == stays, name


def exif_of(tags: Tags, written: Format) -> dict[str, Any]:
    found = of(tags, EXIF_GROUPS)
    if written is Format.TIFF:
        return {tag: found[tag] for tag in found.keys() - STORED - of(found, BOUND).keys()}
    return found


def test_no_picture_and_nothing_about_colours_is_left(after: dict[str, Tags], written: Format) -> None:
    for name in NAMES:
        assert named(after[name], PICTURES) == {}, name
        assert of(after[name], COLOUR_GROUPS) == {}, name
        assert after[name].get("ICC-header:ColorSpaceData", "GRAY") == "GRAY", name
        warning = after[name].get("ExifTool:Warning", "")
        assert not warning or (written is Format.TIFF and "maker" in warning.lower()), name


def test_resolution_stays(before: dict[str, Tags], after: dict[str, Tags], written: Format) -> None:
    """In JFIF, pHYs and TIFF's tags; WebP has EXIF alone for it."""
    for name in NAMES:
        found = resolution(before[name])
        if found is not None and written is not Format.WEBP:
            assert resolution(after[name]) == pytest.approx(found, rel=1e-3), name


def resolution(tags: Tags) -> tuple[float, float] | None:
    """Pixels per metre of the file itself, or None where it states none."""
    if tags.get("PNG-pHYs:PixelUnits"):
        return tags["PNG-pHYs:PixelsPerUnitX"], tags["PNG-pHYs:PixelsPerUnitY"]
    if tags["File:FileType"] == "TIFF" and "IFD0:XResolution" in tags:
        scale = {2: 1 / 0.0254, 3: 100}.get(tags["IFD0:ResolutionUnit"])
        return None if scale is None else (tags["IFD0:XResolution"] * scale, tags["IFD0:YResolution"] * scale)
    scale = {1: 1 / 0.0254, 2: 100}.get(tags.get("JFIF:ResolutionUnit", 0))
    return None if scale is None else (tags["JFIF:XResolution"] * scale, tags["JFIF:YResolution"] * scale)


def test_texts_stay(before: dict[str, Tags], after: dict[str, Tags], written: Format) -> None:
    for name in NAMES:
        texts = {str(text) for text in own_texts(before[name])}
        if name.endswith(".png") and written is Format.PNG:
            assert texts == {str(text) for text in own_texts(after[name])}, name
        elif written is Format.JPEG and texts:
            assert len(own_texts(after[name])) >= 1, name


def own_texts(tags: Tags) -> list[Any]:
    """Texts of the file itself, outside EXIF and XMP."""
    return [v for k, v in tags.items() if k.startswith(("PNG:", "File:")) and k.rpartition(":")[2] in TEXTS]


def test_libvips_and_littlecms_take_them(results: dict[str, Path]) -> None:
    for name, path in results.items():
        data = path.read_bytes()
        picture = pyvips.Image.new_from_buffer(data, "", fail_on="warning")
        picture.avg()
        if picture.get_typeof("icc-profile-data"):
            profile = io.BytesIO(picture.get("icc-profile-data"))
            read = ImageCms.ImageCmsProfile(profile).profile
            assert read.xcolor_space == "GRAY", name


def test_checkers_of_the_formats_find_nothing(results: dict[str, Path], written: Format) -> None:
    """But a year: pngcheck holds no PNG to be older than PNG, and PngSuite has one of 1970."""
    files = [str(path) for name, path in results.items() if name != "pngsuite/cm7n0g04.png"]
    if written is Format.PNG and shutil.which("pngcheck"):
        assert checked("pngcheck", "-q", *files) == []
    if written is Format.JPEG and shutil.which("jpeginfo"):
        lines = checked("jpeginfo", "--check", *files)
        assert [line for line in lines if not line.endswith("OK")] == []
        assert len(lines) == len(files)


def checked(*command: str) -> list[str]:
    """The lines a checker wrote."""
    ran = subprocess.run(command, capture_output=True, check=False, text=True)
    return [line.rstrip() for line in (ran.stdout + ran.stderr).splitlines()]


@pytest.mark.parametrize("name", ["jpeg/flower2.jpg", "jpeg/hopper.jpg", "photos/iphonecity.jpg"])
def test_by_stripes_it_is_the_same(service: Service, corpus: Path, name: str) -> None:
    data = (corpus / name).read_bytes()
    as_png = service.convert(data, format="png", stripes=3).content
    assert chunks_of(as_png) == chunks_of(grey(data, Options(format=Format.PNG)))
    assert service.convert(data, stripes=3).content == grey(data, Options())
