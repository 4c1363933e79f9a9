"""Headless Chromium for tests, controlled by Playwright, with small screenshots."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

SIZE = {"width": 1280, "height": 800}
LARGEST = 150_000  # bytes of a stored screenshot
_NAMES = ("chromium", "chromium-browser", "google-chrome-stable")


def chromium() -> str | None:
    """Return the path of Chromium; None if Chromium or Playwright is not installed."""
    if importlib.util.find_spec("playwright") is None:
        return None
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


@contextmanager
def opened(executable: str) -> Iterator[Page]:
    """Open a page of a new Chromium process that can reach only this machine."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
        if os.getuid() == 0:  # Chromium has no sandbox for root; only our own server is opened
            arguments.append("--no-sandbox")
        browser = playwright.chromium.launch(executable_path=executable, args=arguments)
        try:
            context = browser.new_context(viewport=SIZE, reduced_motion="reduce")
            page = context.new_page()
            page.set_default_timeout(30_000)
            yield page
        finally:
            browser.close()


def save_screenshot(page: Page, path: Path) -> Path:
    """Take a screenshot with a reduced palette, to limit its size."""
    page.wait_for_timeout(400)  # animations of menus and numbers
    page.screenshot(path=path, animations="disabled", caret="hide")
    with Image.open(path) as image:
        few = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    few.save(path, format="png", optimize=True)
    assert path.stat().st_size < LARGEST, path.name
    return path
