"""Mastodon's stream, from a local server that speaks as Mastodon's does."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from producers.sources.mastodon import MAX_EVENT_BYTES, MastodonPosts
from streams.errors import BadInputError, SettingError
from streams.setting_kinds import Secret
from tests.unit.producers.peers import HOST, serving, taken

TOKEN = "very-secret-token"


def update(number: int, *tags: str, name: str = "update") -> bytes:
    status = {
        "id": str(number),
        "created_at": f"1970-01-01T00:00:{number:02}.000Z",
        "tags": [{"name": tag, "url": "https://example.org"} for tag in tags],
    }
    return f"event: {name}\ndata: {json.dumps(status)}\n\n".encode()


class Mastodon:
    """Answers each connection with the next of `answers`: a status, or blocks to send."""

    def __init__(self) -> None:
        self.answers: list[int | list[bytes]] = []
        self.requests: list[web.Request] = []
        self.streams_elsewhere = False
        self.url = ""

    async def stream(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        answer: Any = self.answers.pop(0) if self.answers else None
        if isinstance(answer, int):
            return web.Response(status=answer)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b":)\n")
        for block in answer or ():
            await response.write(block)
            await asyncio.sleep(0)
        while answer is None:
            await response.write(b":thump\n")
            await asyncio.sleep(0.05)
        return response

    async def instance(self, _: web.Request) -> web.Response:
        if not self.streams_elsewhere:
            return web.Response(status=404)
        streaming = self.url.replace("http", "ws").replace(HOST, "localhost")
        return web.json_response({"configuration": {"urls": {"streaming": streaming}}})


@pytest.fixture
async def server() -> AsyncIterator[Mastodon]:
    mastodon = Mastodon()
    app = web.Application()
    app.router.add_get("/api/v1/streaming/{which}", mastodon.stream)
    app.router.add_get("/api/v2/instance", mastodon.instance)
    async with serving(app) as port:
        mastodon.url = f"http://{HOST}:{port}"
        yield mastodon


def source(server: Mastodon, tag: str | None = None) -> MastodonPosts:
    return MastodonPosts(server.url, Secret(TOKEN), tag, delay_scale=0.01)


async def test_posts(server: Mastodon, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    cut = update(2, "zwei")
    server.answers = [
        [update(1, "eins", "uno"), cut[:9], cut[9:40], cut[40:], update(3), b"event: delete\n"],
        503,
        [update(2, "zwei"), update(4, "vier", name="status.update"), b"event: update\ndata: 5\n\n"],
        [b"data: " + b"x" * (MAX_EVENT_BYTES + 1)],
        [update(5, "fünf").replace(b"\n", b"\r\n")],
    ]
    posts = source(server)
    found = await taken(posts, 4)
    assert found == [("eins", 1000), ("uno", 1000), ("zwei", 2000), ("fünf", 5000)]
    assert posts.bad_messages == 1
    assert posts.reconnects >= 4
    assert server.requests[0].path == "/api/v1/streaming/public"
    assert server.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in caplog.text


async def test_one_hashtag_from_the_host_that_streams(server: Mastodon) -> None:
    server.streams_elsewhere = True
    server.answers = [[update(1, "cats")]]
    assert await taken(source(server, "cats"), 1) == [("cats", 1000)]
    assert server.requests[0].path_qs == "/api/v1/streaming/hashtag?tag=cats"
    assert server.requests[0].host.startswith("localhost")


@pytest.mark.parametrize(("status", "error"), [(401, SettingError), (404, BadInputError)])
async def test_what_no_retry_helps_against(
    server: Mastodon, status: int, error: type[Exception]
) -> None:
    server.answers = [status]
    with pytest.raises(error, match=str(status)) as caught:
        await taken(source(server), 1)
    assert TOKEN not in str(caught.value)
