"""The name of the result: after the upload's, and safe in a header whatever that is."""

from __future__ import annotations

import email.message
import email.policy
import re
from pathlib import PurePosixPath
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import upload as uploads


def shown(disposition: str) -> list[str]:
    """The file names a browser may show: the plain one, and the extended one if there is one."""
    message = email.message.EmailMessage(policy=email.policy.HTTP)
    message["Content-Disposition"] = disposition
    assert message.get_content_disposition() == "inline"
    plain = message.get_filename()
    assert plain is not None
    extended = re.findall(r"; filename\*=UTF-8''([\w.~%-]+)$", disposition, re.ASCII)
    return [plain, *map(unquote, extended)]


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("photo.jpg", 'inline; filename="photo-grey.png"'),
        ("photo", 'inline; filename="photo-grey.png"'),
        ("photo.tar.gz", 'inline; filename="photo.tar-grey.png"'),
        ("a b (1).jpg", 'inline; filename="a b (1)-grey.png"'),
        ("", 'inline; filename="image-grey.png"'),
        ("/", 'inline; filename="image-grey.png"'),
        ("/etc/passwd", 'inline; filename="passwd-grey.png"'),
        ("../../etc/passwd", 'inline; filename="passwd-grey.png"'),
        ("C:\\Users\\me\\photo.jpg", 'inline; filename="photo-grey.png"'),
        ("..\\..\\photo.jpg", 'inline; filename="photo-grey.png"'),
        ("fünf.jpg", "inline; filename=\"f_nf-grey.png\"; filename*=UTF-8''f%C3%BCnf-grey.png"),
        ('a"b.jpg', "inline; filename=\"a_b-grey.png\"; filename*=UTF-8''a%22b-grey.png"),
        (
            "a\r\nSet-Cookie: x.jpg",
            (
                'inline; filename="a__Set-Cookie: x-grey.png"; '
                "filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x-grey.png"
            ),
        ),
    ],
)
def test_the_grey_image_is_named_after_the_upload(name: str, header: str) -> None:
    assert uploads.disposition(name, "png") == header


def test_an_upload_without_a_name_gives_a_result_without_one() -> None:
    assert uploads.disposition(None, "png") is None


@given(st.text(), st.sampled_from(["png", "jpg", "tif", "webp"]))
def test_any_name_gives_one_safe_header_that_a_strict_parser_reads(name: str, extension: str) -> None:
    header = uploads.disposition(name, extension)
    assert header is not None
    assert header.isascii()
    assert header.isprintable()
    assert len(header) < 2000
    for name_shown in shown(header):
        assert name_shown.endswith(f"-grey.{extension}")
        assert PurePosixPath(name_shown).name == name_shown
        assert "\\" not in name_shown


@given(
    st.text(
        st.characters(min_codepoint=33, exclude_characters='./\\"', exclude_categories=["C", "Z"]), min_size=1
    )
)
def test_every_letter_of_a_usual_name_survives(name: str) -> None:
    header = uploads.disposition(f"{name[:100]}.jpg", "png")
    assert header is not None
    assert shown(header)[-1] == f"{name[:100]}-grey.png"
