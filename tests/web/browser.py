"""A real browser, and what goes wrong in it: Debian's Chromium, driven by Playwright."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, ConsoleMessage, Error, Page, async_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is missing (Debian: apt-get install chromium)"
)
#: Milliseconds to wait for a condition: the machine may be busy.
PATIENCE = 90_000
PHONE = {
    "viewport": {"width": 360, "height": 740},
    "is_mobile": True,
    "has_touch": True,
    "device_scale_factor": 2,
}
#: What Chromium itself says while a server is away; no script can prevent it.
AWAY = (
    "WebSocket connection to",
    "net::ERR_CONNECTION_",
    # It went as it was to answer.
    "net::ERR_EMPTY_RESPONSE",
    "net::ERR_INCOMPLETE_CHUNKED_ENCODING",
)


@dataclass
class Browsing:
    """A page, and all that went wrong on it."""

    page: Page
    hosts: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    tolerated: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note errors and addresses from now on."""
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(_host(request.url)))
        self.page.on("websocket", lambda socket: self.hosts.add(_host(socket.url)))

    def tolerate(self, *texts: str) -> None:
        """Errors that contain one of these are no fault of the page."""
        self.tolerated += texts

    def check(self) -> None:
        """No error but those that are tolerated, and no request to another host."""
        assert [e for e in self.errors if not any(text in e for text in self.tolerated)] == []
        assert self.hosts == {"127.0.0.1"}

    async def until(self, condition: str, argument: Any = None) -> None:
        """Wait until an expression of JavaScript, or a function of the argument, is true.

        Playwright's own way evaluates within the page, which the page's policy forbids.
        A condition of an element that the page hasn't drawn yet is not true yet.
        """
        deadline = time.monotonic() + PATIENCE / 1000
        while (why := await self._why_not(condition, argument)) is not None:
            shown = await self.page.inner_text("body")
            assert time.monotonic() < deadline, (
                f"not within {PATIENCE} ms: {condition}\n{why}\n{shown}"
            )
            await asyncio.sleep(0.05)

    async def _why_not(self, condition: str, argument: Any) -> str | None:
        """Why a condition doesn't hold; None when it does."""
        try:
            return None if await self.page.evaluate(condition, argument) else "it is false"
        except Error as error:
            return error.message

    async def until_live(self) -> None:
        """Wait for the connection."""
        await self.until("document.querySelector('#badge').dataset.tone === 'good'")

    async def until_said(self, selector: str, text: str) -> None:
        """Wait until an element's text contains this."""
        await self.until(
            "([selector, text]) => document.querySelector(selector).textContent.includes(text)",
            [selector, text],
        )

    async def until_number(self, selector: str, n: int) -> None:
        """Wait until there are so many elements of a kind."""
        await self.until(
            "([selector, n]) => document.querySelectorAll(selector).length === n", [selector, n]
        )

    async def rows(self) -> list[str]:
        """The keys of the rows, in the order in which they are read."""
        return await self.texts("#rows .name")

    async def texts(self, selector: str) -> list[str]:
        """The texts of all elements."""
        return await self.page.locator(selector).all_text_contents()

    async def until_rows(self, *names: str) -> None:
        """Wait until these are the first rows."""
        await self.until(
            "names => names.every((name, at) =>"
            " document.querySelectorAll('#rows .name')[at]?.textContent === name)",
            list(names),
        )

    async def scrolls_sideways(self) -> bool:
        """Whether the page is wider than the screen."""
        wider: bool = await self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        return wider

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(f"{message.text} {message.location.get('url', '')}")


@asynccontextmanager
async def running_browser() -> AsyncIterator[Browser]:
    """Chromium, for many tests; it belongs to the event loop that starts it."""
    async with async_playwright() as playwright:
        # A container's user may be root, for whom Chromium has no sandbox.
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"], timeout=2 * PATIENCE
        )
        yield browser
        await browser.close()


@asynccontextmanager
async def browsing(browser: Browser, url: str, **options: Any) -> AsyncIterator[Browsing]:
    """A page at this address, as somebody new would see it; `options` are those of the context.

    At the end nothing may have gone wrong on it; see `Browsing.check`.
    """
    context = await browser.new_context(locale="en-GB", timezone_id="UTC", **options)
    context.set_default_timeout(PATIENCE)
    try:
        page = Browsing(await context.new_page())
        page.watch()
        await page.page.goto(url)
        yield page
        page.check()
    finally:
        await context.close()


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
