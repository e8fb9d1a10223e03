"""One Chromium for each file of tests: its loop must not run beside those of other tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from support.browser import STILL, Visit, chromium, visit
from support.service import Service


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser, service: Service) -> Iterator[Visit]:
    """The page as someone sees it who wants no motion."""
    with visit(browser, service.url, **STILL) as opened:
        yield opened
