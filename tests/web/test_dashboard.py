"""The dashboard over a real broker, worker, producer, gateway and browser."""

import asyncio
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.application import Application, Kafka
from tests.polling import until, until_true
from tests.web.browser import AWAY, PHONE, Browsing, browsing, needs_chromium
from tests.worker import Worker

pytestmark = [needs_chromium, pytest.mark.asyncio(loop_scope="session")]
WINDOW_MS = 2_000
LABELS = "[...document.querySelectorAll('#timeline button')].map((b) => b.ariaLabel)"
PYTHON_IS_AHEAD = (
    "[...document.querySelectorAll('#rows .name')].slice(0, 5)"
    ".some((name) => name.textContent === '#python')"
)
PRODUCE = [sys.executable, "-m", "producers", "simulate", "--rate", "150", "--tags", "300"]
GATEWAY = [sys.executable, "-m", "streams.cli", "gateway"]


@pytest.fixture
def app(kafka: Kafka, unique: Callable[[str], str], tmp_path: Path) -> Iterator[Application]:
    """A worker at work on made-up tweets."""
    counting = {"STREAMS_WINDOW_SECONDS": "2", "STREAMS_LOG_FINALS": "false"}
    name = unique("dash")
    with Application(kafka, name, tmp_path, partitions=2, variables=counting) as app:
        app.create_topics()
        app.worker().start().until_running(app.tasks)
        app.worker("producer").start(command=PRODUCE)
        yield app


async def test_live_from_the_producer_to_the_page(browser: Browser, app: Application) -> None:
    async with browsing(browser, page_of(app.worker())) as seen:
        await seen.until_live()
        await seen.until("document.querySelectorAll('#rows li').length >= 10")
        # A window is shown as its results come: for a moment, its rows may be those of one task.
        await seen.until(PYTHON_IS_AHEAD)
        await seen.until_number(".timeline .is-open", 1)
        await seen.until("document.querySelector('.bar-open').style.width > '0%'")

        await seen.page.keyboard.press("/")
        await seen.page.keyboard.type("#Python")
        await seen.page.keyboard.press("Enter")
        number = "document.querySelector('.card-number')?.textContent"
        await seen.until(f"/^[0-9]+$/.test({number})")
        detail = "document.querySelector('.card-detail')?.textContent"
        before = await seen.page.evaluate(detail)
        await seen.until(f"before => {detail} !== before", before)
        await seen.page.reload()
        await seen.until(f"/^[0-9]+$/.test({number})")

    async with browsing(browser, page_of(app.worker()), **PHONE) as seen:
        await seen.until("document.querySelectorAll('#rows li').length >= 10")
        assert not await seen.scrolls_sideways()


@pytest.mark.long
async def test_a_gateway_is_killed_and_comes_back(browser: Browser, app: Application) -> None:
    gateway = app.worker("gateway")
    serve(gateway)
    async with browsing(browser, page_of(gateway)) as seen:
        seen.tolerate(*AWAY)
        await seen.until_live()
        await seen.until("document.querySelectorAll('#timeline button').length >= 4")
        gateway.kill()
        await seen.until_said("#badge", "Reconnecting")
        closed = len(await asyncio.to_thread(totals, app))

        async def has_missed_some() -> bool:
            return len(await asyncio.to_thread(totals, app)) >= closed + 2

        await until_true(has_missed_some, 60)
        serve(gateway)
        await seen.until_live()
        assert await seen.page.locator("#notice").is_hidden()

        app.worker("producer").end()
        await check_windows(app, seen)


def page_of(worker: Worker) -> str:
    return f"http://127.0.0.1:{worker.port}/"


def serve(gateway: Worker) -> None:
    """Start it, and wait until it serves."""
    gateway.start(command=GATEWAY)

    def serves() -> bool:
        assert gateway.alive, gateway.tail()
        try:
            return gateway.page("/")[0] == 200
        except OSError:
            return False

    until(serves, "the gateway serves", more=gateway.tail)


def totals(app: Application) -> dict[int, tuple[int, int]]:
    """Hashtags and mentions of each closed window by its start, as the topic has them."""
    found: dict[int, list[int]] = defaultdict(list)
    for record in app.read(app.output_topic):
        final = json.loads(record.value or b"")
        found[final["window_start"]].append(final["count"])
    return {start: (len(counts), sum(counts)) for start, counts in sorted(found.items())}


async def check_windows(app: Application, seen: Browsing) -> None:
    """Wait until the page has all that the topic has, from the first window that it saw as a whole.

    What it says of each window holds a sum, so that a result that is missing would be seen. Tasks
    are not in step, so that the page may have come in the middle of two windows.
    """

    async def all_shown() -> bool:
        # In a thread, for it runs a loop of its own.
        closed = await asyncio.to_thread(totals, app)
        expected = [label(start, *sums) for start, sums in closed.items()]
        shown: list[str] = await seen.page.evaluate(LABELS)
        first = next((n for n, one in enumerate(expected) if one in shown[2:]), len(expected))
        return len(expected) - first >= 4 and set(expected[first:]) <= set(shown)

    await until_true(all_shown, 60)


def label(start: int, hashtags: int, mentions: int) -> str:
    """What the page says of a window."""
    begins, ends = (
        time.strftime("%H:%M:%S", time.gmtime(ms // 1000)) for ms in (start, start + WINDOW_MS)
    )
    return f"{begins} \u2013 {ends}, final: {hashtags} hashtags, {mentions:,} mentions"
