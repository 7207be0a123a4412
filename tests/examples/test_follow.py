"""The examples of WebSocket clients: each gets what it follows, also after a break."""

import json
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiokafka import AIOKafkaProducer

from tests.application import Kafka, create_topics
from tests.examples.following import EXAMPLES, Feed, lines, running
from tests.polling import until_true
from tests.web.browser import AWAY, browsing, needs_chromium, running_browser
from tests.worker import free_port

WSCAT = shutil.which("wscat")


@pytest.fixture
async def feed(kafka: Kafka, topic: str) -> AsyncIterator[Feed]:
    options = kafka.client_options()
    await create_topics(options, topic, partitions=2)
    async with AIOKafkaProducer(**options) as producer:
        yield Feed(kafka, topic, producer)


def python(feed: Feed) -> list[str]:
    return [sys.executable, str(EXAMPLES / "follow.py"), feed.address, "python", "kafka"]


async def test_python(feed: Feed) -> None:
    await check_that_it_follows(feed, python(feed), said_in_words)


async def test_python_comes_back_to_a_gateway_that_refused_it(feed: Feed) -> None:
    async with running(python(feed)) as process:
        async with unavailable(feed.port) as asked:
            await until_true(lambda: len(asked) > 0)
        async with feed.gateway() as gateway:
            await until_true(lambda: gateway.connections == 1)
            expected = await feed.results(1)
            said = await lines(process, len(expected))
    assert sorted(map(said_in_words, said)) == sorted(expected)


@pytest.mark.skipif(WSCAT is None, reason="wscat is missing (npm install --global wscat)")
async def test_shell(feed: Feed, tmp_path: Path) -> None:
    command = ["sh", str(EXAMPLES / "follow.sh"), feed.address, "python,kafka"]
    cursor = tmp_path / "cursor"

    def is_kept(line: str) -> bool:
        return bool(cursor.read_text() == json.loads(line)["cursor"])

    await check_that_it_follows(feed, command, said_in_json, is_kept, CURSOR_FILE=str(cursor))
    # Started again, it goes on as well.
    expected = await feed.results(2)
    async with feed.gateway(), running(command, CURSOR_FILE=str(cursor)) as process:
        assert sorted(map(said_in_json, await lines(process, 4))) == sorted(expected)


@needs_chromium
async def test_browser(feed: Feed) -> None:
    site = f"http://127.0.0.1:{(port := free_port())}"
    address = f"{site}/follow.html?gateway={feed.address}&keys=python,kafka"
    lines_shown = "document.querySelectorAll('li').length"
    async with (
        serving(files(EXAMPLES), port),
        running_browser() as browser,
        browsing(browser, address) as seen,
    ):
        seen.tolerate(*AWAY, "404")  # it has no icon
        async with feed.gateway(LIVE_ORIGINS=site) as gateway:
            await until_true(lambda: gateway.connections == 1)
            expected = await feed.results(3)
            await seen.until(f"{lines_shown} === {len(expected)}")
        expected += await feed.results(2)
        async with feed.gateway(LIVE_ORIGINS=site):
            await seen.until(f"{lines_shown} === {len(expected)}")
            assert sorted(map(said_in_words, await seen.texts("li"))) == sorted(expected)


async def check_that_it_follows(
    feed: Feed,
    command: Sequence[str],
    read: Callable[[str], str],
    is_done: Callable[[str], bool] = lambda _: True,
    **environment: str,
) -> None:
    """Each result that it should get is printed once, though the gateway was away for a while.

    `is_done` tells whether it has done with the last line that it printed.
    """
    async with running(command, **environment) as process:
        async with feed.gateway() as gateway:
            await until_true(lambda: gateway.connections == 1)
            expected = await feed.results(3)
            said = await lines(process, len(expected))
        expected += await feed.results(2)
        async with feed.gateway():
            said += await lines(process, len(expected) - len(said))
            expected += await feed.results(1)
            said += await lines(process, len(expected) - len(said))
        await until_true(lambda: is_done(said[-1]))
    assert sorted(map(read, said)) == sorted(expected)


def said_in_words(line: str) -> str:
    """Key and count of a line such as `kafka {"hashtag": "kafka", "count": 3}`."""
    key, _, value = line.partition(" ")
    return f"{key} {json.loads(value)['count']}"


def said_in_json(line: str) -> str:
    """The same of a line that is a message."""
    message = json.loads(line)
    return f"{message['key']} {message['value']['count']}"


@asynccontextmanager
async def serving(app: web.Application, port: int) -> AsyncIterator[None]:
    """A web server."""
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


def files(folder: Path) -> web.Application:
    """The files of a folder."""
    app = web.Application()
    app.router.add_static("/", folder)
    return app


@asynccontextmanager
async def unavailable(port: int) -> AsyncIterator[list[str]]:
    """What a gateway is that can't reach Kafka; yields what it is asked for."""
    asked: list[str] = []

    async def refuse(request: web.Request) -> web.Response:
        asked.append(request.path_qs)
        return web.Response(status=503)

    app = web.Application()
    app.router.add_get("/ws", refuse)
    async with serving(app, port):
        yield asked
