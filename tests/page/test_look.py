"""What is shown of a picture, and what cannot be shown."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect
from support.browser import Visit, coffee, named, visit
from support.images import encoded, grey, jpeg, photo, pixels
from support.service import Service

from shared.options import Options

PHOTO = encoded(coffee(2), "JPEG", quality=90)


def border(page: Visit) -> float:
    """How much of the view's width is before."""
    clip = page.page.locator(".after").evaluate("it => it.style.clipPath")  # inset(0px 0px 0px 123px)
    canvas, view = (page.page.locator(name).bounding_box() for name in (".canvas", ".view"))
    assert canvas is not None
    assert view is not None
    return (canvas["x"] + float(clip.split()[-1].removesuffix("px)")) - view["x"]) / view["width"]


def shown(page: Visit, name: str, data: bytes) -> None:
    page.bring("pick", named(name, data))
    page.state(name, "done")
    page.page.locator("#shown-title").get_by_text(name).wait_for()


def test_the_border_follows_mouse_and_keys(page: Visit) -> None:
    shown(page, "coffee.jpg", PHOTO)
    assert border(page) == pytest.approx(0.5, abs=0.01)
    handle = page.page.locator(".handle")
    handle.focus()
    for key, percent in (("ArrowRight", 52), ("PageDown", 42), ("Home", 0), ("End", 100)):
        handle.press(key)
        expect(handle).to_have_attribute("aria-valuenow", str(percent))
    box = page.page.locator(".view").bounding_box()
    assert box is not None
    page.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 20)
    page.page.mouse.down()
    page.page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 40)
    page.page.mouse.up()
    expect(handle).to_have_attribute("aria-valuenow", "25")
    assert border(page) == pytest.approx(0.25, abs=0.01)


def test_every_pixel_is_seen_as_it_is(page: Visit) -> None:
    """At full size the screen shows the very pixels of the file."""
    shown(page, "coffee.jpg", PHOTO)
    page.page.locator(".handle").focus()
    page.page.keyboard.press("Home")
    page.page.get_by_text("Every pixel").click()
    expect(page.page.locator(".tools output")).to_have_text("100 %")
    view = page.page.locator(".view")
    view.evaluate("it => { it.scrollTo(100, 60); it.scrollIntoView(); }")
    seen = page.page.locator(".after").bounding_box()
    frame = view.bounding_box()
    assert seen is not None
    assert frame is not None
    left, top = round(frame["x"]) + 60, round(frame["y"]) + 60  # the handle lies at the left edge
    screen = np.asarray(Image.open(io.BytesIO(page.page.screenshot())).convert("RGB"))
    x, y = left - round(seen["x"]), top - round(seen["y"])
    expected = pixels(grey(PHOTO, Options()))[y : y + 200, x : x + 200]
    found = screen[top : top + 200, left : left + 200]
    assert np.abs(found.astype(int) - expected[..., None]).max() <= 1  # Chromium's own decoder rounds


def test_a_huge_picture_is_shown_as_a_preview(page: Visit) -> None:
    shown(page, "huge.jpg", jpeg(np.full((6500, 6600, 3), (200, 90, 30), np.uint8), restart_marker_rows=8))
    expect(page.page.locator("#unseen")).to_contain_text("preview")
    for side in (".before", ".after"):
        sizes = page.page.locator(f"{side} canvas").evaluate("it => [it.width, it.height]")
        assert max(sizes) == 2400
    expect(page.page.locator(".tools output")).not_to_have_text("100 %")


def test_what_a_browser_cannot_show_is_said_and_still_kept(page: Visit) -> None:
    page.options(format="tiff")
    shown(page, "coffee.jpg", PHOTO)
    expect(page.page.locator("#unseen")).to_contain_text("TIFF cannot be shown by this browser")
    expect(page.page.locator(".before img")).to_be_visible()
    expect(page.page.locator(".divider")).to_be_hidden()
    name, result = page.saved("coffee.jpg")
    assert name == "coffee-grey.tif"
    assert np.array_equal(pixels(result), pixels(grey(PHOTO, Options())))


def files() -> dict[str, bytes]:
    """Of each kind whose size the page reads, turned in every way that Exif knows."""
    picture = Image.fromarray(photo(91, 57))
    made = {f"{kind}": encoded(picture, kind) for kind in ("PNG", "GIF", "JPEG", "WEBP")}
    made["WEBP lossless"] = encoded(picture, "WEBP", lossless=True)
    made["WEBP extended"] = encoded(Image.fromarray(photo(91, 57, 4)), "WEBP")
    for turn in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = turn
        made[f"JPEG {turn}"] = encoded(picture, "JPEG", exif=exif.tobytes(), progressive=turn % 2 == 0)
    return made


def test_sizes_are_read_without_decoding(page: Visit) -> None:
    read = """async (bytes) => {
        const { header } = await import(new URL("static/header.js", document.baseURI));
        const { width, height, orientation } = await header(new Blob([Uint8Array.from(bytes)]));
        return [width, height, orientation];
    }"""
    for name, data in files().items():
        orientation = Image.open(io.BytesIO(data)).getexif().get(0x0112, 1) if name.startswith("JPEG") else 1
        assert page.page.evaluate(read, list(data)) == [91, 57, orientation], name
    assert page.page.evaluate(read, list(files()["JPEG"][:20])) == [None, None, 1]
    turned = files()["JPEG 6"]
    nowhere = turned.replace(b"MM\0*\0\0\0\x08", b"MM\0*\x7f\xff\xff\xff")
    filled = turned[:2] + b"\xff" * 5 + turned[2:]
    assert turned not in (nowhere, filled)
    assert [page.page.evaluate(read, list(data)) for data in (nowhere, filled)] == [[91, 57, 1], [91, 57, 6]]


def test_stripes_light_up_where_they_are_in_a_turned_picture(browser: Browser, service: Service) -> None:
    """A picture that is stored on its side has its first stripe on the right."""
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encoded(coffee(), "JPEG", restart_marker_rows=1, exif=exif.tobytes())
    with visit(browser, service.url) as page:
        page.options(stripes=4)
        page.page.emulate_media(reduced_motion="no-preference")
        shown(page, "turned.jpg", turned)
        first = page.page.locator(".bands i").first
        place = first.evaluate("it => [it.className, it.style.getPropertyValue('--from')]")
        assert "upright" in place[0]
        assert place[1] == "75%"
        page.page.click("#clear")
        shown(page, "other.jpg", PHOTO)
        expect(page.page.locator(".bands .upright")).to_have_count(0)
