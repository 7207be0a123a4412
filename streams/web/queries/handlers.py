"""`GET /hashtags/{tag}` and `GET /windows/latest`, for any aiohttp application."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

from aiohttp import web

from streams.core.text import hashtag_of
from streams.core.window_count import WindowCount
from streams.errors import NotOwnerError, NotReadyError, QueryError, RequestError
from streams.settings import Settings
from streams.web.live.follower import Follower
from streams.web.live.selection import ALL
from streams.web.problems import Handler, problem, problem_of
from streams.web.queries.history import History
from streams.web.queries.question import HOP_HEADER, Hop, OpenCounts, Question

#: Questions that are answered at the same time; the others wait.
AT_A_TIME = 64
#: Seconds to wait for that, for an answer, and for the output topic's end to be read back, the
#: first time.
ANSWER_SECONDS, READ_BACK_SECONDS = 3.0, 10.0
#: Seconds after which a client may ask again.
RETRY_AFTER = 1
TOP, MAX_TOP = 20, 1000


#: Raises RequestError if a request may not see a hashtag; `*` stands for all of them.
Authorize = Callable[[web.Request, str], Awaitable[None]]


class Queries:
    """See the module. `open_counts` is None if nobody is known who could tell them."""

    def __init__(
        self,
        settings: Settings,
        follower: Follower,
        open_counts: OpenCounts | None,
        authorize: Authorize,
    ) -> None:
        self._settings = settings
        self._follower = follower
        self._history = History(settings)
        follower.listen(self._history)
        self._open_counts = open_counts
        self._authorize = authorize
        self._turns = asyncio.Semaphore(AT_A_TIME)

    def add_to(self, app: web.Application) -> None:
        """Add the pages to an application."""
        app.router.add_get("/hashtags/{tag:[^/]+}", self._answering(self._hashtag))
        app.router.add_get("/hashtags/{tag:[^/]+}/open", self._answering(self._open))
        app.router.add_get("/windows/latest", self._answering(self._latest))
        app.on_cleanup.append(self._close)

    def _answering(self, answer: Callable[[web.Request], Awaitable[Any]]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                async with self._turn():
                    body = await answer(request)
            except NotOwnerError as exc:
                return problem(421, str(exc))
            except QueryError as exc:
                return problem(503, str(exc), RETRY_AFTER)
            except RequestError as exc:
                return problem_of(exc)
            text = json.dumps(body, ensure_ascii=False)
            headers = {"Cache-Control": "no-store"}
            return web.Response(text=text, content_type="application/json", headers=headers)

        return handle

    async def _hashtag(self, request: web.Request) -> Any:
        question = await self._question(request)
        async with self._reading_results():
            open_ = None if self._open_counts is None else await self._ask(question)
            # Looked up last, so that what has been closed meanwhile isn't missed.
            closed = self._history.of(question.hashtag)
        return {
            "hashtag": question.hashtag,
            "open": None if open_ is None else _but(open_, closed),
            "windows": [asdict(one) for one in closed],
        }

    async def _open(self, request: web.Request) -> Any:
        question = await self._question(request)
        if self._open_counts is None:
            raise NotReadyError("this gateway knows no worker to ask: see STREAMS_LIVE_WORKERS")
        counts = await self._ask(question)
        return {"hashtag": question.hashtag, "open": [asdict(one) for one in counts]}

    async def _latest(self, request: web.Request) -> Any:
        await self._authorize(request, ALL)
        n = _top(request)
        async with self._reading_results():
            window = self._history.newest()
        if window is None:
            return {"window_start": None, "window_end": None, "top": []}
        return {
            "window_start": window,
            "window_end": window + self._settings.window_ms,
            "top": [
                {"hashtag": one.hashtag, "count": one.number}
                for one in self._history.top(window, n)
            ],
        }

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise NotReadyError("too many questions are asked at the same time") from None
        try:
            yield
        finally:
            self._turns.release()

    @asynccontextmanager
    async def _reading_results(self) -> AsyncIterator[None]:
        topic = self._settings.output_topic
        if topic not in self._follower.topics:
            raise NothingKnownError(f"{topic} is not followed here", "See STREAMS_LIVE_TOPICS")
        async with self._follower.held():
            if not await self._follower.ready(READ_BACK_SECONDS):
                raise NotReadyError("the results can't be read back from Kafka yet")
            yield

    async def _ask(self, question: Question) -> list[WindowCount]:
        assert self._open_counts is not None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._open_counts.ask(question)
        except TimeoutError:
            raise NotReadyError("no answer came in time") from None

    async def _question(self, request: web.Request) -> Question:
        text = _tag(request)
        if len(text.encode()) > self._settings.max_value_bytes:
            raise BadRequestError("The hashtag is longer than any that is counted")
        hashtag = hashtag_of(text)
        if hashtag is None:
            raise NothingKnownError("Hashtags of one character are not counted")
        await self._authorize(request, hashtag)
        return Question(text, hashtag, _hop(request), request.headers.get("Authorization"))

    async def _close(self, _app: web.Application) -> None:
        if self._open_counts is not None:
            await self._open_counts.close()


class BadRequestError(RequestError):
    """A path or a parameter that can't be followed."""


class NothingKnownError(RequestError):
    """There is, or can be, nothing to tell."""

    status = HTTPStatus.NOT_FOUND


def _but(open_: list[WindowCount], closed: list[WindowCount]) -> list[Any]:
    """Those of the open windows that haven't been closed while we asked."""
    finals = {one.window_start for one in closed}
    return [asdict(one) for one in open_ if one.window_start not in finals]


def _tag(request: web.Request) -> str:
    """The hashtag in the path. (aiohttp's own decoding lets pass what isn't UTF-8.)"""
    raw = request.rel_url.raw_path.split("/")[2]
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        raise BadRequestError("The hashtag is not UTF-8") from None


def _hop(request: web.Request) -> Hop:
    given = request.headers.get(HOP_HEADER)
    if given is None:
        return Hop.CLIENT
    if given not in (Hop.GATEWAY.value, Hop.WORKER.value):
        raise BadRequestError(f"{HOP_HEADER} is neither gateway nor worker")
    return Hop(given)


def _top(request: web.Request) -> int:
    given = request.query.getall("top", [str(TOP)])
    allowed = f"top has to be one number from 1 to {MAX_TOP}"
    if len(given) != 1 or not given[0].isascii() or not given[0].isdecimal():
        raise BadRequestError(allowed)
    if len(given[0]) > len(str(MAX_TOP)) or not 1 <= int(given[0]) <= MAX_TOP:
        raise BadRequestError(allowed)
    return int(given[0])
