"""A GraphQL peer of our own that fails in every way that we can think of, as it is told."""

import asyncio
import json
import random
import threading
from collections.abc import Coroutine, Mapping
from typing import Any, NamedTuple

from aiohttp import web

from tests.worker import free_port

KEY = "da2-canaryofthescript"
#: Seconds for which a hanging request hangs; its client gives up before.
HANG_SECONDS = 30.0
#: What the peer may do with a request. "lost" accepts it, but the answer never comes.
MISCHIEF = ("500", "429", "hang", "close", "lost", "errors", "errorMessage", "garbage", "401")


class Arrival(NamedTuple):
    """A result that was accepted."""

    id: str
    key: str | None
    name: str
    value: Any


class ScriptedPeer:
    """Serves in a thread; a context manager. `mood` weighs what happens to a request."""

    def __init__(self, seed: int = 0, key: str = KEY) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/graphql"
        self.key = key
        self.mood: Mapping[str, float] = {"ok": 1}
        self.arrivals: list[Arrival] = []
        #: How often each thing happened.
        self.happened: dict[str, int] = {}
        self._random = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="scripted peer")
        self._runner: web.AppRunner | None = None

    def __enter__(self) -> "ScriptedPeer":
        self._thread.start()
        self.come_back()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_down()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def variables(self) -> dict[str, str]:
        """What a worker has to be told."""
        return {
            "STREAMS_APPSYNC_URL": self.url,
            "STREAMS_APPSYNC_API_KEY": self.key,
            "STREAMS_APPSYNC_TIMEOUT_SECONDS": "1",
            "STREAMS_APPSYNC_RETRY_MAX_SECONDS": "1",
        }

    @property
    def ids(self) -> set[str]:
        """The ids of all results that were accepted."""
        return {arrival.id for arrival in self.arrivals}

    def go_down(self) -> None:
        """Refuse connections from now on, and drop those that there are."""
        self._do(self._stop())

    def come_back(self) -> None:
        """Serve again."""
        self._do(self._start())

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(120)

    async def _start(self) -> None:
        app = web.Application(client_max_size=2**24)
        app.router.add_post("/graphql", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def _stop(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        variables = (await request.json())["variables"]
        n = len(variables) // 2
        if request.headers.get("x-api-key") != self.key:
            return self._refuse()
        moods = list(self.mood)
        [what] = self._random.choices(moods, [self.mood[mood] for mood in moods])
        self.happened[what] = self.happened.get(what, 0) + 1
        failing = set(range(n))
        if what in {"ok", "lost"}:
            failing = set()
        elif what == "errors":
            failing = {i for i in failing if self._random.random() < 0.5} or {0}
        if what in {"ok", "lost", "errors"}:
            for i in sorted(set(range(n)) - failing):
                self._accept(variables[f"name{i}"], json.loads(variables[f"data{i}"]))
        return await self._respond(request, what, n, failing)

    async def _respond(
        self, request: web.Request, what: str, n: int, failing: set[int]
    ) -> web.StreamResponse:
        if what == "401":
            return self._refuse()
        if what == "500":
            return web.Response(status=500, text="oh no")
        if what == "429":
            return web.Response(status=429, headers={"Retry-After": "1"})
        if what == "hang":
            await asyncio.sleep(HANG_SECONDS)
        if what in {"hang", "close", "lost"}:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if what == "errorMessage":
            return web.json_response({"errorMessage": "the template failed"})
        if what == "garbage":
            return web.Response(text="<html>", content_type="text/html")
        errors = [
            {"path": [f"r{i}"], "errorType": "InternalFailure", "message": "again"}
            for i in sorted(failing)
        ]
        data = {f"r{i}": None if i in failing else {"name": "x", "data": "{}"} for i in range(n)}
        return web.json_response({"data": data, **({"errors": errors} if errors else {})})

    def _refuse(self) -> web.Response:
        error = {"errorType": "UnauthorizedException", "message": "You are not authorized"}
        return web.json_response({"errors": [error]}, status=401)

    def _accept(self, name: str, data: Mapping[str, Any]) -> None:
        self.arrivals.append(Arrival(data["id"], data["key"], name, data["value"]))


def out_of_order(arrivals: list[Arrival]) -> list[str]:
    """What came, for the first time, after something later of the same key."""
    seen: set[str] = set()
    highest: dict[str | None, int] = {}
    wrong = []
    for arrival in arrivals:
        if arrival.id in seen:
            continue
        seen.add(arrival.id)
        offset = int(arrival.id.rpartition("-")[2])
        if offset < highest.get(arrival.key, -1):
            wrong.append(f"{arrival.key}: {arrival.id} after {highest[arrival.key]}")
        highest[arrival.key] = max(offset, highest.get(arrival.key, -1))
    return wrong
