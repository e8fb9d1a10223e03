"""PNG's own chunks as a grey picture has them; libpng's checks by pngcheck, where it is installed."""

from __future__ import annotations

import io
import shutil
import subprocess
import time
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.images import LIMITS, grey, photo, png, unpacked
from support.metadata import XMP, chunks_of, exif, read_png, with_chunks
from support.pngs import DEPTHS, any_kind, filtered, packed
from support.profiles import SRGB, gamma, rgb

from shared.codecs import convert
from shared.codecs.formats import Format
from shared.codecs.icc import grey_profile
from shared.codecs.limits import Limits
from shared.codecs.png import metadata as png_metadata
from shared.codecs.png.chunks import CHANNELS, PngHeader, chunk, ihdr
from shared.options import Keep, Luma, Options
from shared.problems import ImageTooLarge

AS_PNG = Options(format=Format.PNG)
COLOURS = {0: 1, 2: 3, 3: 3, 4: 1, 6: 3}
"""Of each colour type; 4 and 6 have alpha too."""


def converted(inserted: bytes, source: bytes | None = None, luma: Luma = Luma.BT601) -> dict[bytes, bytes]:
    """The chunks of the grey picture of a PNG with these."""
    source = png(photo(8, 8)) if source is None else source
    result = grey(with_chunks(source, inserted), Options(format=Format.PNG, luma=luma))
    assert_clean(result)
    return chunks_of(result)


def assert_clean(file: bytes) -> None:
    """Neither Pillow nor pngcheck, which knows no cICP yet, has anything to say against the file."""
    Image.open(io.BytesIO(file)).load()
    if shutil.which("pngcheck"):
        file = file.replace(chunk(b"cICP", KEPT[b"cICP"]), b"")
        ran = subprocess.run(["pngcheck", "-q"], input=file, capture_output=True, check=False)
        assert (ran.returncode, ran.stdout) == (0, b""), ran.stdout


KEPT = {
    b"gAMA": (45455).to_bytes(4, "big"),
    b"sRGB": b"\1",
    b"cICP": bytes((1, 13, 0, 1)),
    b"pHYs": (2835).to_bytes(4, "big") + (2834).to_bytes(4, "big") + b"\1",
    b"tIME": bytes((7, 232, 2, 29, 23, 59, 60)),
    b"tEXt": "Title\0Grün".encode("latin-1"),
    b"zTXt": b"Author\0\0" + zlib.compress(b"me"),
    b"iTXt": b"Copyright\0\1\0de\0Recht\0" + zlib.compress(b"me"),
    b"eXIf": exif("<", linked=False),
    b"caNv": bytes(16),
}
GONE = {
    b"cHRM": bytes(32),
    b"hIST": bytes(2),
    b"sPLT": b"name\0\x08",
    b"iDOT": bytes(28),
    b"prVW": b"a preview in colour",
    b"mDCV": bytes(24),
    b"cLLI": bytes(8),
    b"acTL": bytes((0, 0, 0, 1, 0, 0, 0, 0)),
    b"iCCP": b"sRGB\0\0" + zlib.compress(SRGB),
}
WRONG = {
    b"gAMA": bytes(4),
    b"sRGB": b"\4",
    b"cICP": bytes((9, 16, 0, 1)),
    b"pHYs": bytes(9),
    b"tIME": bytes(6),
    b"tEXt": b"no keyword",
    b"zTXt": b"Author\0\1unknown method",
    b"iTXt": b"Copyright\0\0\0de",
    b"eXIf": b"no EXIF",
    b"sBIT": bytes(3),
    b"bKGD": b"\0\0\1\0\0\0",
    b"iCCP": b"name\0\0no profile",
}


@pytest.mark.parametrize("kind", KEPT)
def test_what_means_the_same_in_grey_stays_byte_for_byte(kind: bytes) -> None:
    assert converted(chunk(kind, KEPT[kind])) == {kind: KEPT[kind]}


@pytest.mark.parametrize("kind", GONE)
def test_what_is_about_colour_or_not_safe_to_copy_goes(kind: bytes) -> None:
    assert converted(chunk(kind, GONE[kind])) == {}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_damaged_goes(kind: bytes) -> None:
    assert converted(chunk(kind, WRONG[kind])) == {}


@pytest.mark.parametrize("transfer", [16, 18])
def test_code_points_of_high_dynamic_range_go(transfer: int) -> None:
    assert converted(chunk(b"cICP", bytes((9, transfer, 0, 1)))) == {}


def test_all_of_them_together_stay_in_an_order_that_libpng_takes() -> None:
    everything = b"".join(chunk(kind, data) for kind, data in KEPT.items())
    assert converted(everything) == KEPT
    assert not chunks_of(grey(with_chunks(png(photo(8, 8)), everything), Options(metadata=Keep.STRIP)))


def test_chunks_behind_the_image_data_stay_unless_they_may_not_be_moved() -> None:
    source = png(photo(8, 8))
    behind = b"".join(chunk(kind, KEPT[kind]) for kind in (b"tEXt", b"eXIf", b"caNv"))
    result = grey(source[:-12] + behind + source[-12:], AS_PNG)
    assert_clean(result)
    assert set(chunks_of(result)) == {b"tEXt", b"eXIf"}


@pytest.mark.parametrize("kind", [b"gAMA", b"sRGB", b"cICP", b"pHYs", b"tRNS", b"sBIT", b"bKGD", b"acTL"])
def test_what_no_decoder_heeds_behind_the_image_data_is_not_moved_before_it(kind: bytes) -> None:
    before = chunk(b"sBIT", bytes((5, 6, 5))) if kind != b"sBIT" else b""
    source = with_chunks(png(photo(8, 8)), before)
    late = source[:-12] + chunk(kind, KEPT.get(kind, bytes(6))) + source[-12:]
    made = convert.grey(memoryview(late), AS_PNG, LIMITS)
    assert_clean(b"".join(made.pieces))
    assert chunks_of(b"".join(made.pieces)) == ({b"sBIT": b"\6"} if before else {})
    assert made.notes == ()


@pytest.mark.parametrize("key", [bytes(2), bytes(5), bytes(7)])
def test_a_key_that_makes_nothing_transparent_adds_no_significant_bits(key: bytes) -> None:
    assert converted(chunk(b"sBIT", bytes((5, 6, 5))) + chunk(b"tRNS", key)) == {b"sBIT": b"\6"}


def test_frames_of_an_animation_are_not_counted_as_metadata() -> None:
    animated = with_chunks(png(photo(8, 8)), chunk(b"acTL", bytes(8)))
    animated = animated[:-12] + chunk(b"fdAT", bytes(5000)) + animated[-12:]
    limits = Limits(max_metadata_bytes=1000)
    assert convert.grey(memoryview(animated), AS_PNG, limits).notes == ("first-frame",)
    texts = with_chunks(png(photo(8, 8)), chunk(b"tEXt", b"T\0" + bytes(5000)))
    with pytest.raises(ImageTooLarge, match="GRISAILLE_MAX_METADATA_BYTES"):
        convert.grey(memoryview(texts), AS_PNG, limits)


def test_a_chunk_with_a_wrong_crc_is_dropped() -> None:
    damaged = bytearray(chunk(b"tEXt", KEPT[b"tEXt"]))
    damaged[-1] ^= 1
    assert converted(bytes(damaged)) == {}


@pytest.mark.parametrize("srgb", [b"", chunk(b"sRGB", b"\0")])
def test_a_profile_of_another_curve_is_replaced_and_srgb_does_not_stand_beside_it(srgb: bytes) -> None:
    found = converted(chunk(b"iCCP", b"Adobe RGB\0\0" + zlib.compress(rgb(gamma(2.2)))) + srgb)
    assert set(found) == {b"iCCP"}
    assert zlib.decompress(found[b"iCCP"].partition(b"\0")[2][1:])[16:20] == b"GRAY"
    known = converted(chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(SRGB)) + srgb)
    assert set(known) == ({b"sRGB"} if srgb else set())


@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize(("colour", "depth"), [(c, d) for c, depths in DEPTHS.items() for d in depths])
def test_significant_bits_are_those_of_the_most_exact_colour(
    colour: int,
    depth: int,
    transparent: bool,  # noqa: FBT001 - a table's column
) -> None:
    source = any_kind(9, 9, colour, depth, interlaced=False, transparent=transparent)
    stored = bytes((1,) * COLOURS[colour] + (1,) * (colour > 3))
    most = 8 if colour == 3 else depth
    stored = bytes((most,)) + stored[1:]
    found = converted(chunk(b"sBIT", stored), source)
    wide = 16 if depth == 16 else 8
    alpha = {4: b"\1", 6: b"\1"}.get(colour, bytes((wide,)) if transparent else b"")
    assert found == {b"sBIT": bytes((most,)) + alpha}


@pytest.mark.parametrize("luma", Luma)
@pytest.mark.parametrize(("colour", "depth"), [(c, d) for c, depths in DEPTHS.items() for d in depths])
def test_the_background_is_what_a_pixel_of_its_colour_becomes(colour: int, depth: int, luma: Luma) -> None:
    random = np.random.default_rng(depth)
    stored = random.integers(0, 2**depth, 1 if colour == 3 else COLOURS[colour])
    background = bytes(stored.astype(np.uint8)) if colour == 3 else stored.astype(">u2").tobytes()
    pixel = np.append(stored, 2**depth - 1)[: CHANNELS[colour]].reshape(1, 1, -1)
    palette = chunk(b"PLTE", random.bytes(3 << depth)) if colour == 3 else b""
    head = ihdr(PngHeader(1, 1, depth, colour, interlaced=False))
    body = chunk(b"IDAT", zlib.compress(filtered(packed(pixel, depth), [0])))
    source = head + palette + chunk(b"bKGD", background) + body + chunk(b"IEND", b"")
    result = grey(source, Options(format=Format.PNG, luma=luma))
    assert_clean(result)
    parts = unpacked(result)
    assert isinstance(parts, dict)
    assert parts[b"bKGD"][-1 if depth < 16 else 0 :] == parts[b"IDAT"][1 : 2 + (depth == 16)]


def test_a_background_out_of_range_goes() -> None:
    source = any_kind(4, 4, 0, 4, interlaced=False, transparent=False)
    assert converted(chunk(b"bKGD", b"\0\x0f"), source) == {b"bKGD": b"\0\xff"}
    assert converted(chunk(b"bKGD", b"\0\x10"), source) == {}


RAW = {
    "exif": b"Exif\0\0" + exif("<", linked=False),
    "APP1": b"Exif\0\0" + exif(">", linked=False),
    "xmp": XMP,
    "icc": rgb(gamma(1.8)),
    "icm": rgb(gamma(1.8)),
    "iptc": b"8BIM\4\4\0\0\0\0\0\2ab",
}


@pytest.mark.parametrize("kind", RAW)
@pytest.mark.parametrize("deflated", [False, True])
def test_what_imagemagick_wrote_as_text_becomes_what_it_is(
    kind: str,
    deflated: bool,  # noqa: FBT001 - a table's column
) -> None:
    text = f"\n{kind}\n{len(RAW[kind]):8}\n{RAW[kind].hex()}\n".encode()
    name = f"Raw profile type {kind}\0".encode()
    stored = chunk(b"zTXt", name + b"\0" + zlib.compress(text)) if deflated else chunk(b"tEXt", name + text)
    found = read_png(with_chunks(png(photo(8, 8)), stored))
    if kind in {"icc", "icm"}:
        assert found.icc == grey_profile(RAW[kind])
    else:
        assert (found.exif or found.xmp or found.photoshop or b"?") in RAW[kind]
    assert found.texts == ()
    assert found.png == b""


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
def test_texts_are_copied_without_being_inflated(kind: bytes) -> None:
    bomb = {b"zTXt": b"T\0\0", b"iTXt": b"T\0\1\0\0\0"}[kind] + zlib.compress(bytes(1 << 26), 9)
    source = with_chunks(png(photo(8, 8)), chunk(kind, bomb) * 50)
    started = time.process_time()
    result = grey(source, AS_PNG)
    as_jpeg = grey(source, Options(format=Format.JPEG))
    assert time.process_time() - started < 1
    assert result.count(bomb) == 50
    assert len(as_jpeg) < 2000


@given(st.binary(max_size=300), st.sampled_from([b"tEXt", b"zTXt", b"iTXt"]))
def test_any_text_leaves_a_clean_file(junk: bytes, kind: bytes) -> None:
    found = read_png(with_chunks(png(photo(8, 8)), chunk(kind, junk)))
    assert_clean(with_chunks(png(photo(8, 8, 1)), png_metadata.write(found)))
