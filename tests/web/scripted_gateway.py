"""A gateway with a script: serves the dashboard, speaks the protocol, does what it is told.

For states that a real one is rarely in. It keeps all results, so that `since` works: its cursor is
the number of results so far.
"""

import json
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSCloseCode, web

from streams.web.dashboard.pages import add_dashboard

HOST = "127.0.0.1"


@dataclass
class ScriptedGateway:
    """`refuse` is the status of the next upgrades; 0 lets them in."""

    port: int = 0
    refuse: int = 0
    topics: Mapping[str, Sequence[str]] = field(default_factory=lambda: {"tags": ["hashtag"]})
    #: The query strings of all upgrades that were asked for.
    asked: list[str] = field(default_factory=list)
    #: All actions that clients sent.
    actions: list[dict[str, Any]] = field(default_factory=list)
    _results: list[str] = field(default_factory=list)
    _sockets: dict[web.WebSocketResponse, web.Request] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://{HOST}:{self.port}/"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["ScriptedGateway"]:
        """Serve, on the same port again after the first time."""
        app = web.Application()
        app.router.add_get("/ws", self._ws)
        add_dashboard(app, self.topics)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, HOST, self.port)
        await site.start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            for socket in list(self._sockets):
                await socket.close(code=WSCloseCode.GOING_AWAY)
            await runner.cleanup()

    async def window(self, start: int, end: int, counts: Mapping[str, int]) -> None:
        """Close a window: a final result for each hashtag."""
        for tag, count in counts.items():
            value = {"hashtag": tag, "count": count, "window_start": start, "window_end": end}
            await self.result(tag, value, end - 1)

    async def result(self, key: str, value: Any, timestamp: int) -> None:
        """One result for all who listen, and for those who come later."""
        offset = len(self._results)
        message = {
            "key": key,
            "value": value,
            "timestamp": timestamp,
            "id": f"tags-0-{offset}",
            "cursor": str(offset + 1),
        }
        self._results.append(json.dumps(message))
        await self.send(self._results[-1:])

    async def provisional(self, start: int, end: int, counts: Mapping[str, int]) -> None:
        """Counts of the open window."""
        now = int(time.time() * 1000)
        await self.send(
            json.dumps(
                {
                    "key": tag,
                    "value": {"hashtag": tag, "count": n, "window_start": start, "window_end": end},
                    "timestamp": now,
                    "provisional": True,
                }
            )
            for tag, n in counts.items()
        )

    async def send(self, messages: Iterable[str]) -> None:
        """Send texts as they are."""
        for message in messages:
            for socket in list(self._sockets):
                await socket.send_str(message)

    async def drop(self) -> None:
        """Cut all connections, without a goodbye."""
        for request in self._sockets.values():
            if request.transport is not None:
                request.transport.abort()

    async def _ws(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.query_string)
        if self.refuse:
            return web.Response(status=self.refuse)
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return web.Response(status=426)
        socket = web.WebSocketResponse(protocols=("tally.v1",))
        await socket.prepare(request)
        since = int(request.query.get("since", len(self._results)))
        await socket.send_str(self._subscribed())
        for message in self._results[since:]:
            await socket.send_str(message)
        self._sockets[socket] = request
        try:
            async for message in socket:
                self.actions.append(json.loads(message.data))
                await socket.send_str(self._subscribed())
        finally:
            self._sockets.pop(socket, None)
        return socket

    def _subscribed(self) -> str:
        return json.dumps({"type": "subscribed", "keys": {}, "cursor": str(len(self._results))})
