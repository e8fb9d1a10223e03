"""Whole images that came back: taken if they are what was asked for, else told apart from it."""

from __future__ import annotations

import pytest
from support.images import encoded, image, jpeg, photo, png

from gateway import answers
from shared.codecs import headers
from shared.codecs.formats import Format
from shared.codecs.limits import Limits
from shared.problems import MalformedImage

SOURCE = headers.read(memoryview(jpeg(photo(64, 48))), Limits())
GREY = photo(64, 48)[:, :, :1]


@pytest.mark.parametrize(
    ("body", "written"),
    [
        (png(GREY), Format.PNG),
        (jpeg(GREY), Format.JPEG),
        (encoded(image(GREY), "TIFF"), Format.TIFF),
    ],
)
def test_what_was_asked_for_is_taken_as_it_is(body: bytes, written: Format) -> None:
    assert answers.complete(memoryview(body), SOURCE, written, Limits()) == body


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no image"),
        (b"<html>502 Bad Gateway</html>", "no image"),
        (jpeg(GREY), "JPEG, not PNG"),
        (png(photo(64, 48)), "colour"),
        (png(photo(48, 64)[:, :, :1]), "another size"),
        (png(GREY)[:-20], "cut short"),
    ],
)
def test_everything_else_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(MalformedImage, match=said):
        answers.complete(memoryview(body), SOURCE, Format.PNG, Limits())
