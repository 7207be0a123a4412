"""Stand-ins for what queries are made of, and a client that asks them."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import jsonschema
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from streams.core.columns import TP
from streams.core.final import Final
from streams.core.window_count import WindowCount
from streams.errors import QueryError, RequestError
from streams.jobs.hashtags import as_json
from streams.settings import Settings
from streams.web.live.follower import Listener
from streams.web.live.messages import Piece
from streams.web.openapi import DOCUMENT
from streams.web.problems import use_problem_details
from streams.web.queries.handlers import Queries
from streams.web.queries.question import OpenCounts, Question

SIZE = 20_000
SPEC: dict[str, Any] = json.loads(DOCUMENT)


class Answer(NamedTuple):
    """What a client sees."""

    status: int
    body: Any
    headers: Any


class Results:
    """In place of a follower: tells its listener what it is told."""

    def __init__(self, topics: Sequence[str] = ("twitter_output",)) -> None:
        self.topics = list(topics)
        self.is_ready = True
        self.holders = 0
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        self.holders += 1
        yield
        self.holders -= 1

    async def ready(self, _seconds: float) -> bool:
        return self.is_ready

    def final(self, tag: str, window: int, count: int, topic: str = "twitter_output") -> None:
        """A final that has come; `window` is its number."""
        final = Final(tag.encode(), count, window * SIZE, (window + 1) * SIZE)

        class Message:
            key, value, timestamp, offset = final.key, as_json(final), final.timestamp, 0

        messages: Any = [Message]
        piece = Piece(TP(topic, 0), {}, "", lambda _: "", 1, messages)
        for listener in self._listeners:
            listener.receive(piece)


class Told:
    """Open counts that are given, or the error that comes instead; remembers what was asked."""

    def __init__(self, *counts: WindowCount) -> None:
        self.counts = list(counts)
        self.error: QueryError | None = None
        self.asked: list[Question] = []
        self.closed = False
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def ask(self, question: Question) -> list[WindowCount]:
        self.asked.append(question)
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error
        return self.counts

    async def close(self) -> None:
        self.closed = True


def check_schema(name: str, answer: Any) -> None:
    """Fail unless an answer is as the OpenAPI document's schema of that name has it."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": SPEC["components"]}
    jsonschema.Draft202012Validator(schema).validate(answer)


def count(window: int, n: int) -> WindowCount:
    return WindowCount(window * SIZE, (window + 1) * SIZE, n)


def as_dict(window: int, n: int) -> dict[str, int]:
    return {"window_start": window * SIZE, "window_end": (window + 1) * SIZE, "count": n}


@asynccontextmanager
async def serving(
    open_counts: OpenCounts | None,
    results: Results | None = None,
    refused: RequestError | None = None,
) -> AsyncIterator["Asker"]:
    """Queries on a port of their own."""

    async def authorize(_request: web.Request, key: str) -> None:
        if refused is not None and key != "allowed":
            raise refused

    app = web.Application()
    use_problem_details(app)
    follower: Any = results or Results()
    Queries(Settings(), follower, open_counts, authorize).add_to(app)
    async with TestClient(TestServer(app)) as client:
        yield Asker(client)


class Asker:
    """Asks; paths are sent as they are written."""

    def __init__(self, client: TestClient[web.Request, web.Application]) -> None:
        self._client = client

    @property
    def url(self) -> str:
        return str(self._client.make_url("/")).rstrip("/")

    async def __call__(self, path: str, method: str = "GET", **headers: str) -> Answer:
        url = URL(self.url + path, encoded=True)
        session = self._client.session
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with session.request(method, url, headers=named) as answer:
            text = await answer.text()
            if answer.status >= 400:
                assert answer.content_type == "application/problem+json", text
                problem = json.loads(text)
                assert problem["status"] == answer.status
                assert problem["title"]
                assert problem["detail"]
            return Answer(answer.status, json.loads(text) if text else None, answer.headers)
