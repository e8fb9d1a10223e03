"""The page for keyboards, screen readers, the dark, phones; and the interface's own page."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from support.browser import LOOKS, STILL, Visit, coffee, named, visit
from support.images import encoded
from support.service import Service

PHOTO = encoded(coffee(), "JPEG", quality=90, restart_marker_rows=1)
_MOST_TABS = 60


def tabbed_to(page: Page, wanted: Locator) -> Locator:
    """The element, reached by the Tab key alone."""
    for _ in range(_MOST_TABS):
        page.keyboard.press("Tab")
        if wanted.evaluate("it => it === document.activeElement"):
            return wanted
    raise AssertionError(f"Tab does not lead to {wanted}")


def test_keys_alone_are_enough(page: Visit) -> None:
    keyboard = page.page.keyboard
    with page.page.expect_file_chooser() as chooser:
        tabbed_to(page.page, page.page.locator("#files"))
        keyboard.press("Enter")
    tabbed_to(page.page, page.page.locator("#options summary"))
    keyboard.press("Enter")
    tabbed_to(page.page, page.page.locator("#option-format"))
    keyboard.press("p")
    chooser.value.set_files([named("coffee.jpg", PHOTO)])
    page.state("coffee.jpg", "done")
    with page.page.expect_download() as kept:
        tabbed_to(page.page, page.row("coffee.jpg").locator("[data-do=save]"))
        keyboard.press("Enter")
    assert kept.value.suggested_filename == "coffee-grey.png"
    view = tabbed_to(page.page, page.page.locator(".view"))
    keyboard.press("1")
    expect(page.page.locator(".tools output")).to_have_text("100 %")
    keyboard.press("ArrowDown")
    expect(view).not_to_have_js_property("scrollTop", 0)
    handle = tabbed_to(page.page, page.page.locator(".handle"))
    keyboard.press("ArrowLeft")
    expect(handle).to_have_attribute("aria-valuenow", "48")
    keyboard.press("Tab")
    assert page.page.evaluate("document.activeElement.dataset.zoom") == "fit"


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_serious(
    browser: Browser, service: Service, look: str, request: pytest.FixtureRequest
) -> None:
    with visit(browser, service.url, **(LOOKS[look] | STILL)) as page:
        page.options(format="png", stripes=6)
        page.bring("pick", named("coffee.jpg", PHOTO), named("letter.txt", b"Dear Sir"))
        page.state("coffee.jpg", "done")
        page.state("letter.txt", "failed")
        page.page.click("#timeline summary")
        assert serious(page.page) == []
        folder = request.config.getoption("--screenshots")
        if folder:
            keep(page.page, Path(folder) / f"page-{look}.jpg")


def test_axe_finds_nothing_serious_before_there_is_a_picture(page: Visit) -> None:
    assert serious(page.page) == []


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes']}" for one in found if one["impact"] in {"serious", "critical"}]


def test_nothing_is_wider_than_a_phone(browser: Browser, service: Service) -> None:
    with visit(browser, service.url, **(LOOKS["phone"] | STILL)) as page:
        page.options()
        page.bring("pick", named("a-name-without-any-blank" * 5 + ".jpg", PHOTO))
        page.page.locator("[data-state=done]").wait_for()
        assert page.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_interface_is_described_without_other_hosts(browser: Browser, service: Service) -> None:
    with visit(browser, service.url, "/docs") as page:
        page.page.locator(".opblock-post").filter(has_text="/convert").locator("button").first.click()
        expect(page.page.locator(".parameters").get_by_text("luma").first).to_be_visible()


def keep(page: Page, path: Path) -> None:
    """A picture of the page with its photo, for the documentation."""
    page.locator("[data-do=remove]").last.click()
    page.click("#options .title")
    page.click("#timeline summary")
    page.evaluate("document.activeElement.blur()")
    taken = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    taken.save(path, quality=86, optimize=True)
