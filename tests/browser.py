"""A browser for tests of pages, which remembers what it should not have seen."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

__all__ = ["Visit", "browser"]

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",  # a microphone that beeps, and nobody to ask whether it may
    "--use-fake-ui-for-media-stream",
]


class Visit:
    """A page in a window, and what it asked for and complained about.

    ``dialogs``: texts of what a script of a foreign file would open.
    """

    def __init__(self, chromium: Any, url: str, width: int = 1200, height: int = 800, **options: Any) -> None:
        self.page = chromium.new_page(viewport={"width": width, "height": height}, **options)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.dialogs: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._dialog)
        self.page.on("console", self._said)
        self.page.goto(url)

    def _dialog(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def quiet(self) -> bool:
        """Nothing was wrong."""
        return not self.complaints and not self.dialogs


@contextmanager
def browser() -> Iterator[Any]:
    """Chromium, without a window; where there is none, the test is skipped, or fails if HDLGEN_BROWSER names it."""
    wanted = os.environ.get("HDLGEN_BROWSER")
    found = shutil.which(wanted or "chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        assert wanted is None, f"HDLGEN_BROWSER={wanted}: not found"
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        try:
            yield chromium
        finally:
            chromium.close()
