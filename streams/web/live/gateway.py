"""The WebSocket gateway: admits connections, counts them, and closes them at the end.

follower --> hub --> outboxes --> clients
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus

from aiohttp import web

from streams import metrics
from streams.core.columns import TP
from streams.errors import (
    ForbiddenError,
    RequestError,
    TallyError,
    TooManyConnectionsError,
    UnavailableError,
    UpgradeRequiredError,
)
from streams.settings import Settings
from streams.web.live import protocol
from streams.web.live.archive import Archive
from streams.web.live.catch_up import CatchUp
from streams.web.live.connection import CLOSE_SECONDS, Connection
from streams.web.live.cursor import Positions
from streams.web.live.follower import Follower
from streams.web.live.hub import Hub
from streams.web.live.messages import Piece
from streams.web.live.request import Gatekeeper, LiveRequest
from streams.web.live.tokens import Tokens
from streams.web.live.wire import AiohttpWire
from streams.web.problems import problem, problem_of

#: Seconds between looks at the tokens' file.
TOKENS_SECONDS = 2.0


class Gateway:
    """Serves `/ws` and `/live/connections`. Raises SettingError if the tokens' file is wrong."""

    def __init__(self, settings: Settings, follower: Follower) -> None:
        self._settings = settings.live
        self.follower = follower
        self.hub = Hub()
        follower.listen(self)
        self._tokens = Tokens(self._settings.tokens_file) if self._settings.tokens_file else None
        self._gatekeeper = Gatekeeper(self._settings, self._tokens)
        self._catch_up = CatchUp(follower, Archive(settings))
        self._connections: set[Connection] = set()
        self._nobody = asyncio.Event()
        self._nobody.set()
        self._addresses: Counter[str] = Counter()
        self._watching: asyncio.Task[None] | None = None
        self._is_closing = False
        metrics.LIVE_CONNECTIONS.set_function(lambda: len(self._connections))
        metrics.LIVE_QUEUE_BYTES.set_function(self._queue_bytes)
        for status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
            metrics.from_zero(metrics.LIVE_REFUSED, str(int(status)))

    # What the follower tells.

    def restart(self) -> None:
        """Nothing to do: following begins only when nobody is connected."""

    def receive(self, piece: Piece) -> None:
        """Deliver."""
        self.hub.receive(piece)

    def lost(self, tp: TP, from_offset: int, to_offset: int) -> None:  # noqa: ARG002
        """Tell those who follow the topic that results are lost."""
        after = self.follower.positions
        before = Positions({**after, tp: from_offset})
        self.hub.announce(tp.topic, protocol.gap(after.base(), before.base()))

    # What clients ask.

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """`GET /ws`."""
        try:
            if self._tokens is not None:
                await self._tokens.refresh()
            asked = self._gatekeeper.check(request)
            with self._place(asked.address):
                return await self._serve(request, asked)
        except RequestError as exc:
            metrics.LIVE_REFUSED.labels(str(int(exc.status))).inc()
            return problem_of(exc)

    async def show_connections(self, request: web.Request) -> web.Response:
        """`GET /live/connections`."""
        if self._tokens is None:
            return problem(404, "There is no such page without STREAMS_LIVE_TOKENS_FILE")
        try:
            await self._tokens.refresh()
            grant, _ = self._gatekeeper.authenticate(request)
            if not grant.admin:
                raise ForbiddenError("Only an admin's token may see this")
        except RequestError as exc:
            return problem_of(exc)
        shown = [c.describe() for c in sorted(self._connections, key=lambda c: c.number)]
        return web.json_response({"connections": shown}, headers={"Cache-Control": "no-store"})

    async def authorize(self, request: web.Request, key: str) -> None:
        """Raises RequestError unless the request may see a key; `*` stands for all of them."""
        if self._tokens is not None:
            await self._tokens.refresh()
            grant, _ = self._gatekeeper.authenticate(request)
            if not grant.allows(key):
                raise ForbiddenError(f"Key {key[:80]!r} is not allowed")

    async def close(self) -> None:
        """Tell all clients that the server goes away, and stop following."""
        self._is_closing = True
        if self._watching is not None:
            self._watching.cancel()
        for connection in list(self._connections):
            connection.close(protocol.GOING_AWAY, "server goes away", "shutdown")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2 * CLOSE_SECONDS):
                await self._nobody.wait()
        await self.follower.stop()

    @contextlib.contextmanager
    def _place(self, address: str) -> Iterator[None]:
        """One of the connections that there may be. Raises RequestError if there is none left."""
        if self._is_closing:
            raise UnavailableError("The server goes away", "Connect again: another one may answer")
        if self._addresses.total() >= self._settings.max_connections:
            raise UnavailableError("There are too many connections", "Try again later")
        if self._addresses[address] >= self._settings.max_per_address:
            raise TooManyConnectionsError("There are too many connections from this address")
        self._addresses[address] += 1
        try:
            yield
        finally:
            self._addresses[address] -= 1
            if not self._addresses[address]:
                del self._addresses[address]

    async def _serve(self, request: web.Request, asked: LiveRequest) -> web.StreamResponse:
        ws = web.WebSocketResponse(
            protocols=(protocol.NAME,),
            compress=False,
            heartbeat=self._settings.heartbeat_ms / 1000,
            max_msg_size=self._settings.max_message_bytes,
            timeout=CLOSE_SECONDS,
        )
        async with self.follower.held():
            await self._prepare(asked)
            # Last: browsers hide why an upgrade was refused, and learn it by a plain request.
            if not ws.can_prepare(request):
                raise UpgradeRequiredError("This is no WebSocket handshake")
            await ws.prepare(request)
            connection = Connection(
                asked, ws, AiohttpWire(request), self._settings, self.hub, self.follower
            )
            await self._run(connection)
        return ws

    async def _prepare(self, asked: LiveRequest) -> None:
        """Wait for the follower, and find the place that the cursor stands for."""
        seconds = self._settings.handshake_ms / 1000
        if not await self.follower.ready(seconds):
            raise UnavailableError("Kafka can't be read at present", "Try again later")
        if asked.since:
            try:
                async with asyncio.timeout(seconds + CLOSE_SECONDS):
                    asked.position = await self._catch_up.resolve(asked.since)
            except RequestError:
                raise
            except (TallyError, TimeoutError) as exc:
                raise UnavailableError("The cursor can't be looked up", "Try again later") from exc

    async def _run(self, connection: Connection) -> None:
        if self._tokens is not None and self._watching is None:
            self._watching = asyncio.create_task(self._watch_tokens(self._tokens))
        self._connections.add(connection)
        self._nobody.clear()
        catching_up: asyncio.Task[None] | None = None
        try:
            connection.begin()
            if connection.position is not None:
                catching_up = asyncio.create_task(self._catch_up.run(connection))
            await connection.receive()
        finally:
            if catching_up is not None:
                catching_up.cancel()
            await connection.ended()
            self._connections.discard(connection)
            if not self._connections:
                self._nobody.set()

    async def _watch_tokens(self, tokens: Tokens) -> None:
        """Close connections whose token is withdrawn, or allows their keys no longer."""
        while True:
            await asyncio.sleep(TOKENS_SECONDS)
            await tokens.refresh()
            for connection in list(self._connections):
                grant = tokens.find(connection.asked.digest)
                if grant == connection.asked.grant:
                    continue
                if grant is None or not connection.allow(grant):
                    connection.close(protocol.REFUSED, "not allowed any more", "withdrawn")

    def _queue_bytes(self) -> int:
        return sum(connection.outbox.queued_bytes for connection in self._connections)
