"""A gateway with a script: serves the dashboard, speaks the protocol, does what it is told.

For states that a real one is rarely in. It keeps all results, so that `since` works: its cursor is
the number of results so far.
"""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from deploy.local.ports import HOST, free_port
from streams.web.dashboard.pages import add_dashboard

TOPIC = "tags"
#: What a page gets that is opened before any window has closed.
NOTHING_YET: dict[str, Any] = {"window_start": None, "window_end": None, "top": []}


@dataclass
class ScriptedGateway:
    """`token` is asked for if it isn't empty; without `allows_all`, `*` is refused."""

    topics: Mapping[str, Sequence[str]] = field(default_factory=lambda: {TOPIC: ["key", "hashtag"]})
    token: str = ""
    allows_all: bool = True
    #: What `/windows/latest` and `/hashtags/{tag}` answer.
    latest: Mapping[str, Any] = field(default_factory=lambda: NOTHING_YET)
    histories: Mapping[str, Sequence[Mapping[str, int]]] = field(default_factory=dict)
    #: None that connections get: while it is away, one of a retrying page's might take it.
    port: int = field(default_factory=free_port)
    #: The queries of all connections, and all actions that clients sent.
    asked: list[Mapping[str, str]] = field(default_factory=list)
    actions: list[dict[str, Any]] = field(default_factory=list)
    _runner: web.AppRunner | None = None
    _results: list[str] = field(default_factory=list)
    _sockets: dict[web.WebSocketResponse, web.Request] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://{HOST}:{self.port}/"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["ScriptedGateway"]:
        """Serve as long as the context lasts."""
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    async def start(self) -> None:
        """Serve; on the same port each time."""
        app = web.Application()
        app.router.add_get("/ws", self._ws)
        app.router.add_get("/windows/latest", self._latest)
        app.router.add_get("/hashtags/{tag}", self._history)
        add_dashboard(app, self.topics)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self.port).start()

    async def stop(self) -> None:
        """Say good-bye."""
        for socket in list(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY)
        assert self._runner is not None
        await self._runner.cleanup()

    async def window(self, start: int, end: int, counts: Mapping[str, int]) -> None:
        """Close a window: a final result for each hashtag."""
        for tag, count in counts.items():
            await self.result(tag, counted(tag, count, start, end), end - 1)

    async def result(self, key: str, value: Any, timestamp: int) -> None:
        """One result for all who listen, and for those who come later."""
        self._results.append(result_text(key, value, timestamp, len(self._results)))
        await self.send(self._results[-1:])

    async def provisional(self, start: int, end: int, counts: Mapping[str, int]) -> None:
        """Counts of the open window."""
        await self.send(
            json.dumps(
                {
                    "key": tag,
                    "value": counted(tag, count, start, end),
                    "timestamp": start,
                    "provisional": True,
                }
            )
            for tag, count in counts.items()
        )

    async def send(self, messages: Iterable[str]) -> None:
        """Send texts as they are."""
        for message in messages:
            for socket in list(self._sockets):
                with suppress(ConnectionError):
                    await socket.send_str(message)

    def forget(self) -> None:
        """Become another one, which has no result yet."""
        self._results.clear()

    def drop(self) -> None:
        """Cut all connections, without a goodbye."""
        for request in self._sockets.values():
            if request.transport is not None:
                request.transport.abort()

    async def _ws(self, request: web.Request) -> web.StreamResponse:
        if self.token and not self._knows(request):
            return web.Response(status=401)
        if "*" in request.query.get("hashtag", "") and not self.allows_all:
            return web.Response(status=403)
        since = int(request.query.get("since", len(self._results)))
        if since > len(self._results):
            return web.json_response({"detail": "This cursor is of another topic"}, status=400)
        socket = web.WebSocketResponse(protocols=("tally.v1",))
        if not socket.can_prepare(request):
            return web.Response(status=426)
        self.asked.append(dict(request.query))
        await socket.prepare(request)
        await socket.send_str(subscribed(since))
        for text in self._results[since:]:
            await socket.send_str(text)
        self._sockets[socket] = request
        try:
            async for message in socket:
                assert message.type is WSMsgType.TEXT
                self.actions.append(json.loads(message.data))
                await socket.send_str(subscribed(len(self._results)))
        finally:
            self._sockets.pop(socket, None)
        return socket

    def _knows(self, request: web.Request) -> bool:
        given = request.headers.get("Sec-WebSocket-Protocol", "").split(", ")
        header = request.headers.get("Authorization")
        return f"tally.bearer.{self.token}" in given or header == f"Bearer {self.token}"

    async def _latest(self, _request: web.Request) -> web.Response:
        return web.json_response(self.latest)

    async def _history(self, request: web.Request) -> web.Response:
        windows = self.histories.get(request.match_info["tag"], [])
        return web.json_response({"open": [], "windows": windows})


def counted(tag: str, count: int, start: int, end: int) -> dict[str, Any]:
    """A final result's value."""
    return {"hashtag": tag, "count": count, "window_start": start, "window_end": end}


def result_text(key: str, value: Any, timestamp: int, offset: int) -> str:
    """A result as it is sent."""
    message = {
        "key": key,
        "value": value,
        "timestamp": timestamp,
        "id": f"{TOPIC}-0-{offset}",
        "cursor": str(offset + 1),
    }
    return json.dumps(message)


def subscribed(position: int) -> str:
    """What a connection begins with."""
    return json.dumps({"type": "subscribed", "keys": {}, "cursor": str(position)})
