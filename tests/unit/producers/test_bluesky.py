"""Jetstream, from a local server that sends at least once, and breaks off."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from producers.place import Place
from producers.sources.bluesky import HASHTAG, MAX_TAG_BYTES, OVERLAP_US, POSTS, BlueskyPosts, parse
from streams.errors import BadInputError
from tests.unit.producers.peers import HOST, serving, taken

BEGIN_US = 1_725_911_162_000_000


def event(number: int, *tags: str, **changes: Any) -> dict[str, Any]:
    """A new post, one each second."""
    features = [{"$type": HASHTAG, "tag": tag} for tag in tags]
    commit = {
        "rev": "3l3q",
        "operation": "create",
        "collection": POSTS,
        "rkey": f"key{number}",
        "record": {
            "$type": POSTS,
            "text": "#not-looked-at",
            "createdAt": "1970-01-01T00:00:00Z",
            "facets": [{"index": {"byteStart": 0, "byteEnd": 1}, "features": features}],
        },
    } | changes
    return {
        "did": "did:plc:abc",
        "time_us": BEGIN_US + number * 1_000_000,
        "kind": "commit",
        "commit": commit,
    }


class Jetstream:
    """Keeps `log`; sends what is behind the cursor, as many as `cuts` says, then breaks off."""

    def __init__(self) -> None:
        self.log: list[Any] = []
        self.cuts: list[int] = []
        self.cursors: list[str | None] = []
        self.status = 0
        self.url = ""

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        assert request.query["wantedCollections"] == POSTS
        self.cursors.append(request.query.get("cursor"))
        if self.status:
            status, self.status = self.status, 0
            return web.Response(status=status)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        cursor = int(request.query.get("cursor", 0))
        behind = [e for e in self.log if not isinstance(e, dict) or e["time_us"] >= cursor]
        cut = self.cuts.pop(0) if self.cuts else None
        for message in behind[:cut]:
            await socket.send_str(message if isinstance(message, str) else json.dumps(message))
        if cut is None:
            async for _ in socket:
                pass
        elif request.transport is not None:
            await asyncio.sleep(0.05)
            request.transport.abort()
        return socket


@pytest.fixture
async def jetstream() -> AsyncIterator[Jetstream]:
    async with running(Jetstream()) as server:
        yield server


@asynccontextmanager
async def running(server: Jetstream) -> AsyncIterator[Jetstream]:
    app = web.Application()
    app.router.add_get("/subscribe", server.__call__)
    async with serving(app) as port:
        server.url = f"ws://{HOST}:{port}/subscribe"
        yield server


def source(server: Jetstream, place: Place | None = None) -> BlueskyPosts:
    return BlueskyPosts(server.url, place, delay_scale=0.01)


def expected(*numbers: int) -> list[tuple[str, int]]:
    return [(f"tag{n}", BEGIN_US // 1000 + n * 1000) for n in numbers]


async def test_nothing_is_lost_or_repeated_by_lost_connections(jetstream: Jetstream) -> None:
    jetstream.log = [event(n, f"tag{n}") for n in range(40)]
    jetstream.cuts = [7, 9, 10, 11, 12]
    jetstream.status = 503
    posts = source(jetstream)
    assert await taken(posts, 40) == expected(*range(40))
    assert posts.repeats > 0
    assert posts.reconnects >= 6
    assert f"{posts.repeats} repeats dropped" in posts.report()
    assert jetstream.cursors[:3] == [None, None, str(BEGIN_US + 6_000_000 - OVERLAP_US)]


async def test_other_events_are_left_out(jetstream: Jetstream) -> None:
    record = {"facets": [{"features": [{"$type": "app.bsky.richtext.facet#link", "uri": "x"}]}]}
    jetstream.log = [
        event(0, "update", operation="update"),
        event(1, "delete", operation="delete", record=None),
        event(2, record={"text": "none"}),
        event(3, record=record),
        {**event(4), "kind": "identity"},
        "{",
        '{"kind": "commit"}',
        '{"kind":' * 50_000,
        event(4, "x" * (MAX_TAG_BYTES + 1)),
        event(5, "tag5", "tag5", ""),
    ]
    posts = source(jetstream)
    assert await taken(posts, 1) == expected(5)
    assert posts.bad_messages == 3


async def test_the_next_run_goes_on(jetstream: Jetstream, tmp_path: Path) -> None:
    place = Place(tmp_path / "folder" / "place")
    jetstream.log = [event(n, f"tag{n}") for n in range(10)]
    first = source(jetstream, place)
    assert await taken(first, 10, first.published) == expected(*range(10))
    # This run is killed before its posts were acknowledged.
    jetstream.log += [event(n, f"tag{n}") for n in range(10, 20)]
    assert await taken(source(jetstream, place), 10) == expected(*range(10, 20))
    last = source(jetstream, place)
    assert await taken(last, 10, last.published) == expected(*range(10, 20))


def test_a_garbled_place(tmp_path: Path) -> None:
    (tmp_path / "place").write_text('{"cursor": "x"}')
    with pytest.raises(BadInputError, match="where to go on"):
        BlueskyPosts(place=Place(tmp_path / "place"))


@pytest.mark.parametrize("bad", [None, [], {}, {"kind": "commit", "commit": 1}, event(1, record=5)])
def test_what_is_no_event(bad: Any) -> None:
    with pytest.raises(ValueError, match="not an event"):
        parse(bad)
