"""What people do on the page, from bringing a picture to keeping the result."""

from __future__ import annotations

import re
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect
from support.browser import LIGHT, Visit, coffee, named, visit
from support.images import encoded, grey, jpeg, photo, pixels, png
from support.service import Service

from shared.codecs.formats import WRITTEN, Format
from shared.options import Luma, Options
from shared.problems import Overloaded
from shared.service.responses import problem_response

PHOTO = encoded(coffee(), "JPEG", quality=90, restart_marker_rows=1)
SMALL = jpeg(photo(320, 200))


def same_as_inline(result: bytes, source: bytes, options: Options) -> bool:
    return np.array_equal(pixels(result), pixels(grey(source, options)))


def test_a_dropped_photo_goes_up_comes_back_and_is_kept(browser: Browser, service: Service) -> None:
    with visit(browser, service.url, **LIGHT) as page:
        page.options(format="png", luma="bt601-rgb", stripes=5)
        page.upload_speed(len(PHOTO) // 2)
        page.bring("drop", named("coffee.jpg", PHOTO))
        with page.page.expect_response("**/convert*") as answered:
            row = page.row("coffee.jpg")
            expect(row.locator(".state")).to_have_text(re.compile(r"uploading, [1-9]\d? %"))
            share = row.locator("progress").evaluate("it => it.value")
            assert 0 < share < 1
        page.state("coffee.jpg", "done")
        page.upload_speed(-1)

        headers = answered.value.headers
        rows = page.page.locator("#timeline tbody tr")
        expect(rows).to_have_count(5)
        told = re.findall(r"worker=(\d+); start=([\d.]+); end=([\d.]+)", headers["x-grisaille-parts"])
        cells = [row.locator("td").all_text_contents() for row in rows.all()]
        assert [cell[1] for cell in cells] == [worker for worker, _, _ in told]
        assert "5 stripes" in page.page.inner_text("#facts")

        # While the stripes light up once more, those that are done are grey, and at the end all are.
        grey_picture = page.page.locator(".after img")
        expect(grey_picture).to_have_css("clip-path", re.compile("^polygon"))
        expect(page.page.locator(".bands i.working").first).to_be_attached()
        expect(grey_picture).to_have_css("clip-path", "none")
        shown = grey_picture.evaluate("it => [it.naturalWidth, it.naturalHeight]")
        assert shown == list(coffee().size)

        name, result = page.saved("coffee.jpg")
        assert name == "coffee-grey.png"
        assert same_as_inline(result, PHOTO, Options(format=Format.PNG, luma=Luma.BT601_RGB))


@pytest.mark.parametrize("how", ["drop", "paste", "pick"])
def test_pictures_come_every_way(page: Visit, how: str) -> None:
    page.bring(how, named("one.jpg", SMALL), named("two.png", png(photo(64, 64))))
    page.state("one.jpg", "done")
    page.state("two.png", "done")
    assert page.page.inner_text("#tally") == "2 of 2 pictures ready"


def test_each_of_two_pictures_can_be_looked_at_and_taken_away(page: Visit) -> None:
    other = png(photo(300, 500))
    page.bring("pick", named("one.jpg", SMALL))
    page.state("one.jpg", "done")
    page.bring("pick", named("two.png", other))
    page.state("two.png", "done")
    title = page.page.locator("#shown-title")
    expect(title).to_have_text("one.jpg")
    page.row("two.png").locator(".name").click()
    expect(title).to_have_text("two.png")
    assert page.page.locator(".before img").evaluate("it => it.naturalHeight") == 500
    assert same_as_inline(page.saved("two.png")[1], other, Options())
    page.row("two.png").get_by_text("Remove").click()
    expect(title).to_have_text("one.jpg")
    page.page.click("#clear")
    expect(page.page.locator("#shown")).to_be_hidden()


def test_options_are_those_of_the_service_and_may_be_changed_for_another_try(page: Visit) -> None:
    described = page.page.request.get(f"{page.url}/openapi.json").json()
    parameters = described["paths"]["/convert"]["post"]["parameters"]
    known = [one["name"] for one in parameters if one["in"] == "query"]
    labels = page.page.locator("#options label")
    expect(labels).to_have_text(known)
    choices = page.page.locator("#option-format option").all_text_contents()
    assert choices == ["same", *(written.value for written in WRITTEN)]
    page.bring("pick", named("one.jpg", SMALL))
    page.state("one.jpg", "done")
    page.options(format="webp")
    with page.page.expect_response("**/convert?format=webp"):
        page.row("one.jpg").get_by_text("Convert again").click()
    page.state("one.jpg", "done")
    name, result = page.saved("one.jpg")
    assert name == "one-grey.webp"
    assert same_as_inline(result, SMALL, Options(format=Format.WEBP))
    page.page.fill("#option-quality", "101")
    page.row("one.jpg").get_by_text("Convert again").click()
    expect(page.page.locator("#option-quality")).to_be_focused()  # and the browser says what is wrong there


def test_what_was_changed_besides_the_colour_is_told_in_plain_words(page: Visit) -> None:
    page.options(format="jpeg")
    page.bring("pick", named("through.png", png(photo(64, 64, 4))))
    expect(page.page.locator("#facts .note")).to_have_text(re.compile("Transparent parts were laid on white"))


def test_all_results_come_in_one_archive_each_by_a_name_of_its_own(page: Visit) -> None:
    names = ["Füße.jpg", "fu\u0308ße.JPG", "Füße.jpg", "two.png"]
    page.bring("pick", *(named(name, SMALL) for name in names))
    expect(page.page.locator("[data-state=done]")).to_have_count(4)
    with page.page.expect_download() as kept:
        page.page.click("#save-all")
    assert kept.value.suggested_filename == "grey.zip"
    with zipfile.ZipFile(kept.value.path()) as archive:
        wanted = ["Füße-grey.jpg", "fu\u0308ße-grey-2.jpg", "Füße-grey-3.jpg", "two-grey.jpg"]
        assert archive.namelist() == wanted
        day = datetime.now(UTC).astimezone()
        assert abs(datetime(*archive.infolist()[0].date_time, tzinfo=day.tzinfo) - day).total_seconds() < 600


def test_a_folder_is_as_good_as_what_is_in_it(page: Visit, tmp_path: Path) -> None:
    for name in ("10.jpg", "9.jpg", "deep/er/1.jpg", ".hidden/2.jpg", ".DS_Store"):
        path = tmp_path / "holiday" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(SMALL)
    page.drop_from_disk(tmp_path / "holiday")
    expect(page.page.locator("[data-state=done]")).to_have_count(3)
    assert page.page.locator(".picture .name").all_text_contents() == ["9.jpg", "10.jpg", "1.jpg"]


def test_what_was_taken_away_is_let_go(page: Visit) -> None:
    """Pictures are held by addresses of their own, and by the elements that show them."""
    page.page.evaluate("""() => {
        window.held = new Set();
        const { createObjectURL, revokeObjectURL } = URL;
        URL.createObjectURL = (blob) => { const made = createObjectURL(blob); held.add(made); return made; };
        URL.revokeObjectURL = (made) => { held.delete(made); revokeObjectURL(made); };
    }""")
    page.bring("pick", *(named(f"{number}.jpg", SMALL) for number in range(6)))
    expect(page.page.locator("[data-state=done]")).to_have_count(6)
    for number in (3, 5, 1):
        page.row(f"{number}.jpg").locator(".name").click()
        page.page.locator("#shown-title").get_by_text(f"{number}.jpg").wait_for()
    page.row("1.jpg").get_by_text("Remove").click()
    page.row("2.jpg").get_by_text("Convert again").click()
    page.state("2.jpg", "done")
    page.page.locator("#shown-title").get_by_text("0.jpg").wait_for()
    assert page.page.evaluate("held.size") == 5 + 2  # results, and what is looked at
    page.page.click("#clear")
    assert page.page.evaluate("held.size") == 0
    expect(page.page.locator(".canvas img, .canvas canvas")).to_have_count(0)


def test_what_is_no_picture_is_told_so(page: Visit) -> None:
    page.bring("pick", named("letter.txt", b"Dear Sir, "))
    page.state("letter.txt", "failed")
    expect(page.row("letter.txt").locator(".problem")).to_contain_text("not supported")
    expect(page.page.locator("#status")).to_contain_text("letter.txt: not converted")


def test_a_limit_is_told_with_the_setting_that_moves_it(page: Visit) -> None:
    file = bytearray(png(photo(64, 64)))
    file[16:24] = (40_000).to_bytes(4) + (50_000).to_bytes(4)
    file[29:33] = zlib.crc32(file[12:29]).to_bytes(4)
    page.bring("pick", named("claims.png", bytes(file)))
    page.state("claims.png", "failed")
    said = page.row("claims.png").locator(".problem").inner_text()
    assert all(word in said for word in ("1,100,000,000", "2,000,000,000", "GRISAILLE_MAX_PIXELS")), said


def test_a_cancelled_upload_ends_and_may_begin_again(page: Visit) -> None:
    page.upload_speed(50_000)
    page.bring("pick", named("coffee.jpg", PHOTO), named("waits.jpg", SMALL))
    page.state("coffee.jpg", "upload")
    with page.page.expect_event("requestfailed") as ended:
        page.row("coffee.jpg").get_by_text("Cancel").click()
    assert "convert" in ended.value.url
    page.state("coffee.jpg", "cancelled")
    page.upload_speed(-1)
    page.row("coffee.jpg").get_by_text("Convert again").click()
    page.state("coffee.jpg", "done")
    page.state("waits.jpg", "done")


def test_a_busy_service_is_asked_again_when_it_says(page: Visit) -> None:
    busy = problem_response(Overloaded("no room"))
    answers = {"status": busy.status_code, "headers": dict(busy.headers), "body": bytes(busy.body)}
    page.page.route("**/convert", lambda route: route.fulfill(**answers), times=1)
    page.bring("pick", named("one.jpg", SMALL))
    page.state("one.jpg", "busy")
    page.state("one.jpg", "done")


def test_a_broken_connection_is_tried_again(page: Visit) -> None:
    """As long as a gateway takes to restart."""
    page.page.route("**/convert", lambda route: route.abort("connectionrefused"), times=2)
    page.bring("pick", named("one.jpg", SMALL))
    page.state("one.jpg", "busy")
    expect(page.row("one.jpg").locator(".state")).to_have_text(re.compile("no connection"))
    page.state("one.jpg", "done")


@pytest.mark.parametrize(("status", "ends"), [(429, "done"), (502, "done"), (403, "failed")])
def test_what_stands_in_front_is_told_from_the_service(page: Visit, status: int, ends: str) -> None:
    foreign = {"status": status, "headers": {"retry-after": "Fri, 27 Nov 2026 10:00:00 GMT"}}
    body = {"content_type": "application/json", "body": '{"message": "no"}'}
    page.page.route("**/convert", lambda route: route.fulfill(**foreign, **body), times=1)
    page.bring("pick", named("one.jpg", SMALL))
    page.state("one.jpg", ends)
    if ends == "failed":
        expect(page.row("one.jpg").locator(".problem strong")).to_have_text("The answer was 403")


def test_a_file_that_is_gone_is_told_so_and_the_failed_are_tried_again_together(
    page: Visit, tmp_path: Path
) -> None:
    paths = [tmp_path / name for name in ("one.jpg", "two.jpg", "three.jpg", "gone.jpg", "lost.jpg")]
    for path in paths:
        path.write_bytes(PHOTO)
    page.upload_speed(len(PHOTO) // 4)
    page.page.set_input_files("#files", paths)
    page.state("gone.jpg", "waiting")
    for path in paths[3:]:
        path.unlink()
    page.upload_speed(-1)
    for path in paths[3:]:
        page.state(path.name, "failed")
        expect(page.row(path.name).locator(".problem")).to_contain_text("cannot be read")
    with page.page.expect_event("requestfailed"), page.page.expect_event("requestfailed"):
        page.page.click("#retry")


def test_sixty_files_at_once_are_each_answered_for_themselves(page: Visit) -> None:
    sources = {f"good {i:02}.jpg": jpeg(photo(200 + i, 150), quality=80) for i in range(47)}
    sources |= {f"bad {i:02}.jpg": SMALL[: -100 - i] for i in range(12)} | {"huge.jpg": PHOTO}
    page.bring("pick", *(named(name, data) for name, data in sources.items()))
    expect(page.page.locator("[data-state=done], [data-state=failed]")).to_have_count(60, timeout=60_000)
    assert page.page.inner_text("#tally") == "48 of 60 pictures ready, 12 not converted"
    expect(page.page.locator("[data-state=failed] .problem")).to_have_count(12)
    with page.page.expect_download() as kept:
        page.page.click("#save-all")
    with zipfile.ZipFile(kept.value.path()) as archive:
        assert archive.testzip() is None
        good = [name for name in sources if not name.startswith("bad")]
        assert archive.namelist() == [name.replace(".jpg", "-grey.jpg") for name in good]
        for name in ("good 00.jpg", "good 46.jpg", "huge.jpg"):
            result = archive.read(name.replace(".jpg", "-grey.jpg"))
            assert result == page.saved(name)[1]
            assert same_as_inline(result, sources[name], Options())
