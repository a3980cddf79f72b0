"""Drive headless Chromium through Playwright, and record what a page does.

Knows Debian's `chromium` (Playwright's own download is not used), its flags, and axe-core. Which pages are opened and
what must hold on them is up to the tests.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

REQUIRED = "GROUNDSWELL_BROWSER_TESTS"
"""Set to `required`, a machine without Chromium fails these tests instead of skipping them."""

# Nothing leaves the machine: only loopback names resolve, and Chromium's own requests are switched off.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


def binary() -> str:
    """Return the path of Chromium, or skip the test."""
    path = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    if not path:
        reason = "there is no chromium on this machine (Debian: apt-get install chromium)"
        if os.environ.get(REQUIRED) == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@contextmanager
def launched() -> Iterator[Browser]:
    """Start a browser for the duration of the block."""
    path = binary()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Tab:
    """A page, and everything it did that our pages must not do."""

    page: Page
    home: str
    faults: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """From now on, record console messages, errors, dialogs, windows, and requests to other sites."""
        self.page.on("console", self._record_console)
        self.page.on("pageerror", lambda error: self._note(f"error: {error}"))
        self.page.on("popup", lambda other: self._note(f"window: {other.url}"))
        self.page.on("request", self._requested)

        def dialog(shown: Any) -> None:
            self._note(f"dialog: {shown.message}")
            shown.dismiss()

        self.page.on("dialog", dialog)

    def open(self, path: str) -> None:
        """Load *path* of the site."""
        self.page.goto(self.home + path, wait_until="load")

    def overflow(self) -> list[str]:
        """Return what extends beyond the window; [] if nothing scrolls sideways."""
        elements: list[str] = self.page.evaluate(_OVERFLOW)
        return elements

    def violations(self, *, only: tuple[str, ...] = ()) -> list[str]:
        """Return axe-core's violations of all of WCAG 2.2 AA and its best practices, or of *only* some rules."""
        if not self.page.evaluate("typeof axe !== 'undefined'"):
            self.page.evaluate(AXE_SCRIPT)
        run = {"type": "rule", "values": list(only)} if only else {"type": "tag", "values": list(TAGS)}
        violations = self.page.evaluate(
            "async run => (await axe.run(document, {runOnly: run, resultTypes: ['violations']})).violations", run
        )
        return [
            f"{violation['id']}: {violation['help']}: {node['html'][:200]} "
            f"({'; '.join(c['message'] for c in node['any'])[:200]})"
            for violation in violations
            for node in violation["nodes"][:3]
        ]

    def _note(self, note: str) -> None:
        self.faults.append(note)

    def _record_console(self, message: ConsoleMessage) -> None:
        # A 404 of the page itself is reported too; other tests check its status.
        own = message.text.startswith("Failed to load resource") and message.location["url"] == self.page.url
        if message.type in ("error", "warning") and not own:
            self.faults.append(f"console {message.type}: {message.text}")

    def _requested(self, request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(self.home).netloc:
            self.faults.append(f"request to somebody else: {request.url}")


@contextmanager
def tab(
    browser: Browser,
    home: str,
    *,
    width: int = 1280,
    javascript: bool = True,
    cookies: Sequence[Any] = (),
    **options: Any,
) -> Iterator[Tab]:
    """Open a tab without history other than *cookies*; *options* are those of `Browser.new_context`."""
    context: BrowserContext = browser.new_context(
        viewport={"width": width, "height": 900}, java_script_enabled=javascript, **options
    )
    context.set_default_timeout(15_000)
    context.add_cookies(list(cookies))
    try:
        browser_tab = Tab(context.new_page(), home)
        browser_tab.watch()
        yield browser_tab
    finally:
        context.close()


_OVERFLOW = """() => {
  const root = document.scrollingElement, wide = root.clientWidth;
  if (root.scrollWidth <= wide) return [];
  const scrolls = el => el &&
    (['auto', 'scroll', 'hidden'].includes(getComputedStyle(el).overflowX) || scrolls(el.parentElement));
  return [...document.querySelectorAll('body *')]
    .filter(el => !scrolls(el.parentElement) && el.getBoundingClientRect().right > wide + 1)
    .slice(0, 5).map(el => el.outerHTML.slice(0, 160));
}"""
