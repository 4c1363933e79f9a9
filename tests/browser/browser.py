"""Headless Chromium for tests: Debian's, driven by Playwright, with small screenshots."""

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
LARGEST = 150_000  # bytes of a screenshot that is kept
_NAMES = ("chromium", "chromium-browser", "google-chrome-stable")


def chromium() -> str | None:
    """Where Chromium is; None without one, or without what drives it."""
    if importlib.util.find_spec("playwright") is None:
        return None
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


@contextmanager
def opened(executable: str) -> Iterator[Page]:
    """A page of a fresh Chromium; nothing but this machine is asked for anything."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
        if os.getuid() == 0:  # there is no sandbox for root; what is opened is our own server
            arguments.append("--no-sandbox")
        browser = playwright.chromium.launch(executable_path=executable, args=arguments)
        try:
            context = browser.new_context(viewport=SIZE, reduced_motion="reduce")
            page = context.new_page()
            page.set_default_timeout(30_000)
            yield page
        finally:
            browser.close()


def keep(page: Page, path: Path) -> Path:
    """Take a screenshot, of few colours and so of few bytes."""
    page.wait_for_timeout(400)  # a menu that closes, a number that counts up
    page.screenshot(path=path, animations="disabled", caret="hide")
    with Image.open(path) as image:
        few = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    few.save(path, format="png", optimize=True)
    assert path.stat().st_size < LARGEST, path.name
    return path
