"""A real Chromium for tests of pages. Where it is missing they are skipped and the summary says so; CI requires it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
# As root without a screen, and without asking its maker for anything.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium_path() -> str:
    """Where Chromium is; skips the test without one, or fails it where REQUIRE_CHROMIUM is set."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if not found and os.environ.get("REQUIRE_CHROMIUM"):
        pytest.fail("Chromium is required here (REQUIRE_CHROMIUM) and is not installed.")
    return found or pytest.skip("browser tests need Chromium on the PATH (Debian: apt install chromium)")


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    path = chromium_path()
    # Playwright's synchronous interface runs a loop in this thread, which Django would take for async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
            yield browser
            browser.close()
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


def seen(page: Page) -> str:
    """Where a page is and what it says, for the report of a test that failed."""
    try:
        return f"{page.url}\n\n{page.locator('body').inner_text(timeout=2000)}"
    except Error as error:
        return f"{page.url}\n\nIt can't be read: {error.message}"
