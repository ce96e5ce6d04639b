"""A browser for the tests: Chromium without a window, driven by Playwright, with no network."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # half a second that only the tests with a browser need
    from playwright.sync_api import Browser as Program
    from playwright.sync_api import BrowserContext, Dialog, Page, Request

HERE = "127.0.0.1"
"""A server of a test may be asked; every other name is resolved to nothing."""
DRAWN = """() => {
  const data = document.documentElement.dataset;
  return data.drawn === data.figures || typeof Plotly === "undefined";
}"""
LONGEST_MS = 20_000
"""For a page to load, and for its figures to be drawn."""


class Browser:
    """Chromium, a page at a time: opened from a file or an address, looked at, and asked."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._context: BrowserContext | None = None
        self._page: Page | None = None
        self._complaints: list[str] = []
        self._requests: list[str] = []

    @property
    def page(self) -> Page:
        """Return the page that was opened last, as Playwright has it."""
        assert self._page is not None, "open a page first"
        return self._page

    def open(
        self, page: Path | str, *, width: int = 1200, dark: bool = False, height: int = 900
    ) -> None:
        """Open *page*, a file or an address, and wait until it has drawn its figures.

        It has a context of its own: nothing is kept from the page before. Below 600 pixels it is
        a phone with a touch screen.
        """
        phone = width < 600
        self._begin(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            is_mobile=phone,
            has_touch=phone,
        )
        address = page.as_uri() if isinstance(page, Path) else page
        self.page.goto(address, wait_until="load", timeout=LONGEST_MS)
        self.page.wait_for_function(DRAWN, timeout=LONGEST_MS, polling=50)

    def _begin(self, **settings: Any) -> None:
        """Start anew with an empty page."""
        self.close()
        self._complaints, self._requests = [], []
        self._context = self._program.new_context(**settings)
        self._page = self._context.new_page()
        self._page.on("console", self._heard)
        self._page.on("pageerror", lambda error: self._complaints.append(str(error)))
        self._page.on("request", lambda request: self._requests.append(request.url))
        self._page.on("requestfailed", self._failed)
        self._page.on("dialog", self._asked)
        self._page.on("popup", lambda page: self._complaints.append(f"opened {page.url}"))
        self._page.on("download", lambda file: self._complaints.append(f"sent {file.url}"))

    def _failed(self, request: Request) -> None:
        if request.failure == "csp":  # it never left the page
            self._requests.remove(request.url)

    def _asked(self, dialog: Dialog) -> None:
        self._complaints.append(f"{dialog.type}: {dialog.message}")
        dialog.dismiss()

    def _heard(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self._complaints.append(message.text)

    def evaluate(self, script: str) -> Any:
        """Return the value of a JavaScript expression; a promise is waited for."""
        return self.page.evaluate(script)

    def complaints(self) -> list[str]:
        """Return the errors and warnings of the page since it was opened, and what it asked for."""
        self._settle()
        return list(self._complaints)

    def requests(self) -> list[str]:
        """Return the addresses that the page asked for since it was opened.

        One that its policy (Content-Security-Policy) kept back is a complaint, not a request.
        """
        self._settle()
        return list(self._requests)

    def _settle(self) -> None:
        """Let the events come in that the page has caused so far."""
        self.page.evaluate("new Promise(done => setTimeout(done, 0))")

    def screenshot(self, path: Path) -> None:
        """Save a picture of the whole page."""
        self.page.screenshot(path=path, full_page=True)

    def close(self) -> None:
        """Close the page, if one is open."""
        if self._context is not None:
            self._context.close()
        self._context = self._page = None


def chromium() -> str:
    """Return where Chromium is; skip the test without it, or fail where CI is set."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is not installed; it is needed where CI is set", pytrace=False)
        pytest.skip(
            "Chromium is not installed; on Debian and Ubuntu: sudo apt-get install chromium"
        )
    return program


class _Loop:
    """The event loop of Playwright, marked as running only while a test uses the browser.

    Playwright's own calls leave the mark behind, and then every `asyncio.run` in this thread,
    as that of a notebook's kernel, is refused until the browser is closed.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def put_away(self) -> None:
        asyncio._set_running_loop(None)

    def take(self) -> None:
        asyncio._set_running_loop(self._loop)


@pytest.fixture(scope="session")
def _program() -> Iterator[tuple[Program, _Loop]]:
    """Start Chromium once for all tests."""
    path = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        program = playwright.chromium.launch(
            executable_path=path,
            args=["--disable-gpu", f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {HERE}"],
        )
        loop = _Loop()
        loop.put_away()
        yield program, loop
        loop.take()
        program.close()


@pytest.fixture
def browser(_program: tuple[Program, _Loop]) -> Iterator[Browser]:
    """Return a Chromium that reaches nothing but files and this machine."""
    program, loop = _program
    loop.take()
    browser = Browser(program)
    yield browser
    browser.close()
    loop.put_away()
