"""The page in a real Chromium, as someone uses it."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import skimage
from PIL import Image
from playwright.sync_api import Browser, CDPSession, FilePayload, Locator, Page, expect, sync_playwright

CHROMIUM = os.environ.get("GRISAILLE_CHROMIUM", "chromium")
_ARGUMENTS = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
"""Other hosts cannot be reached, wherever the tests run."""

LIGHT: dict[str, Any] = {"color_scheme": "light", "viewport": {"width": 1180, "height": 900}}
DARK: dict[str, Any] = LIGHT | {"color_scheme": "dark"}
PHONE: dict[str, Any] = {
    "color_scheme": "light",
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}
STILL = {"reduced_motion": "reduce"}
"""For those who want no motion: then the timeline is drawn at once."""
LOOKS = {"light": LIGHT, "dark": DARK, "phone": PHONE}

expect.set_options(timeout=60_000)

_FILES = """([files]) => {
  const transfer = new DataTransfer();
  for (const { name, data } of files) {
    const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
    transfer.items.add(new File([bytes], name));
  }
  return transfer;
}"""


_PASTE = """(body, transfer) => {
  body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }));
}"""


def coffee(scale: int = 6) -> Image.Image:
    """A real photograph (scikit-image's, public domain), enlarged."""
    picture = Image.open(Path(skimage.__file__).parent / "data/coffee.png").convert("RGB")
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.LANCZOS)


def named(name: str, data: bytes) -> FilePayload:
    """A file as a file chooser takes it."""
    return {"name": name, "mimeType": "", "buffer": data}


@dataclass
class Visit:
    """One look at a page, and what went wrong meanwhile."""

    page: Page
    url: str
    faults: list[str] = field(default_factory=list)
    """Errors of scripts, refusals by the policy, requests to other hosts."""
    network: CDPSession | None = None

    def bring(self, how: str, *files: FilePayload) -> None:
        """Drop, paste or pick files."""
        if how == "pick":
            self.page.set_input_files("#files", files)
            return
        data = [{"name": f["name"], "data": base64.b64encode(f["buffer"]).decode()} for f in files]
        transfer = self.page.evaluate_handle(_FILES, [data])
        if how == "drop":
            self.page.dispatch_event("#pick", "dragover", {"dataTransfer": transfer})
            self.page.dispatch_event("#pick", "drop", {"dataTransfer": transfer})
        else:
            self.page.locator("body").evaluate(_PASTE, transfer)

    def drop_from_disk(self, path: Path) -> None:
        """Drop a file or a folder as a file manager does."""
        box = self.page.locator("#pick").bounding_box()
        assert box is not None
        session = self.page.context.new_cdp_session(self.page)
        data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        for step in ("dragEnter", "dragOver", "drop"):
            event = {"type": step, "x": box["x"] + 9, "y": box["y"] + 9, "data": data}
            session.send("Input.dispatchDragEvent", event)

    def state(self, name: str, state: str) -> None:
        """Wait until a picture is in that state."""
        self.row(name).and_(self.page.locator(f"[data-state={state}]")).wait_for()

    def row(self, name: str) -> Locator:
        """The picture's row in the list."""
        return self.page.locator(".picture").filter(has_text=name)

    def options(self, **chosen: object) -> None:
        """Open the options and choose."""
        self.page.click("#options .title")
        for name, value in chosen.items():
            control = self.page.locator(f"#option-{name}")
            if control.evaluate("it => it.tagName") == "SELECT":
                control.select_option(str(value))
            else:
                control.fill(str(value))

    def saved(self, name: str) -> tuple[str, bytes]:
        """Download a result: its file name and its bytes."""
        with self.page.expect_download() as started:
            self.row(name).locator("[data-do=save]").click()
        return started.value.suggested_filename, started.value.path().read_bytes()

    def upload_speed(self, bytes_a_second: int) -> None:
        """From now on uploads are so slow; -1: as fast as can be."""
        if self.network is None:  # of two sessions the slower would decide
            self.network = self.page.context.new_cdp_session(self.page)
        speeds = {"downloadThroughput": -1, "uploadThroughput": bytes_a_second}
        self.network.send("Network.emulateNetworkConditions", {"offline": False, "latency": 0, **speeds})

    def _said(self, text: str) -> None:
        # A browser also logs answers that are problems; the page shows them.
        if not text.startswith("Failed to load resource"):
            self.faults.append(text)

    def watch(self) -> None:
        """Note faults from now on."""
        self.page.on("console", lambda said: self._said(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url))

    def _asked(self, url: str) -> None:
        if not url.startswith((self.url, f"blob:{self.url}", "data:")):
            self.faults.append(url)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; it must be named in GRISAILLE_CHROMIUM if it is not called chromium."""
    with sync_playwright() as playwright:
        path = shutil.which(CHROMIUM) or CHROMIUM
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield browser
        browser.close()


@contextlib.contextmanager
def visit(browser: Browser, url: str, path: str = "/", **context: Any) -> Iterator[Visit]:
    """The page in a fresh profile; at the end nothing may have gone wrong."""
    opened = browser.new_context(**(LIGHT | context))
    opened.set_default_timeout(60_000)
    looking = Visit(opened.new_page(), url)
    looking.watch()
    try:
        looking.page.goto(url + path)
        yield looking
        assert looking.faults == []
    finally:
        opened.close()
