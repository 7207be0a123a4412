"""One WebSocket client: what it wants, what it says, and how it ends."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Iterable
from typing import Any

from aiohttp import WebSocketError, WSMsgType, web

from streams import metrics
from streams.core.columns import TP
from streams.errors import RequestError
from streams.web.live import protocol
from streams.web.live.cursor import Positions
from streams.web.live.follower import Follower
from streams.web.live.frames import text_frame
from streams.web.live.hub import Hub
from streams.web.live.messages import Item, Message
from streams.web.live.outbox import Outbox
from streams.web.live.request import LiveRequest
from streams.web.live.selection import Channel
from streams.web.live.tokens import Grant
from streams.web.live.wire import AiohttpWire
from streams.web.settings import LiveSettings

#: Seconds that a closing handshake may take before the connection is cut.
CLOSE_SECONDS = 2.0
#: Messages that a client may get wrong.
MAX_FAULTS = 10

_numbers = itertools.count(1)


class Connection:
    """See the module. Until it has caught up, `position` says where; afterwards it is None."""

    def __init__(
        self,
        asked: LiveRequest,
        ws: web.WebSocketResponse,
        wire: AiohttpWire,
        settings: LiveSettings,
        hub: Hub,
        follower: Follower,
    ) -> None:
        self.number = next(_numbers)
        self.asked = asked
        self.since_ms = time.time_ns() // 1_000_000
        self.position: Positions | None = asked.position
        self.outbox = Outbox(
            wire,
            self._fell_behind,
            max_bytes=settings.queue_bytes,
            max_messages=settings.queue_messages,
            conflating=asked.conflate,
            provisional=asked.provisional,
        )
        self._ws = ws
        self._wire = wire
        self._settings = settings
        self._hub = hub
        self._follower = follower
        self._channels: set[Channel] = asked.selection.channels()
        self._named: set[Channel] = asked.selection.named()
        self._faults = 0
        self._second = 0
        self._messages = 0
        self._closing: asyncio.Task[None] | None = None

    async def receive(self) -> None:
        """Follow what the client says until it has ended, or was told to."""
        async for message in self._ws:
            if message.type is WSMsgType.ERROR:
                _count_eviction(message.data)
                break
            if self._is_flooding():
                self.close(protocol.REFUSED, "too many messages", "flood")
            elif message.type is WSMsgType.TEXT:
                self._follow(message.data)
            else:
                self._fault(RequestError("Only text messages are understood"))

    def begin(self) -> None:
        """Say where the stream stands, and follow it unless there is something to catch up with."""
        self._confirm()
        if self.position is None:
            self._listen()

    def join(self) -> None:
        """All is caught up with: from here on the hub delivers."""
        self.position = None
        self._listen()

    def replay(self, tp: TP, messages: Iterable[Message], following: int) -> None:
        """Send those of a partition's next messages that the client wants and hasn't had."""
        assert self.position is not None
        if tp not in self.position:  # a partition that is new since
            self.position = Positions({**self.position, tp: 0})
        had, prefix = self.position[tp], self.position.prefix(tp)
        every = (tp.topic, None) in self._channels
        self.outbox.pending += [
            Item(message.frame_at(f"{prefix}{message.offset + 1}"))
            for message in messages
            if message.offset >= had and (every or (tp.topic, message.key) in self._channels)
        ]
        self.position.move(tp, max(had, following))
        if self.outbox.pending:
            self.outbox.flush()

    def say(self, payload: bytes) -> None:
        """Send a message that is no result."""
        self.outbox.send(Item(text_frame(payload)))

    def close(self, code: int, reason: str, label: str) -> None:
        """End it: in the protocol's way if the client takes part, else by cutting it off."""
        if self._closing is None:
            metrics.LIVE_EVICTIONS.labels(label).inc()
            self._detach()
            self._closing = asyncio.create_task(self._close(code, reason))

    def allow(self, grant: Grant) -> bool:
        """Go on under another grant; false if it doesn't allow all that the client follows."""
        self.asked.grant = grant
        keys = self.asked.selection.as_lists().values()
        return all(grant.allows(key) for key in itertools.chain.from_iterable(keys))

    async def ended(self) -> None:
        """Clean up; returns when nothing of it is left, whatever the client does."""
        self._detach()
        if self._closing is not None:
            await asyncio.wait([self._closing])
        if self._wire.buffered():
            # A closed transport would wait for ever for a client to take the rest.
            asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._wire.abort)

    def describe(self) -> dict[str, Any]:
        """For the registry; times in epoch ms."""
        keys = self.asked.selection.as_lists()
        return {
            "id": self.number,
            "name": self.asked.grant.name,
            "address": self.asked.address,
            "connected_since": self.since_ms,
            "keys": keys,
            "conflate": self.asked.conflate,
            "provisional": self.asked.provisional,
            "catching_up": self.position is not None,
            "sent": self.outbox.sent,
            "queued": self.outbox.queued,
            "queued_bytes": self.outbox.queued_bytes,
            "dropped": self.outbox.dropped,
        }

    def _fell_behind(self) -> None:
        self.close(protocol.TOO_SLOW, "too slow", "slow")

    def _is_flooding(self) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._messages = second, 0
        self._messages += 1
        return self._messages > self._settings.max_messages

    def _follow(self, text: str) -> None:
        try:
            self._change(protocol.action_of(text))
        except RequestError as exc:
            self._fault(exc)
        else:
            self._confirm()

    def _fault(self, exc: RequestError) -> None:
        self.say(protocol.error(exc))
        self._faults += 1
        if self._faults > MAX_FAULTS:
            self.close(protocol.REFUSED, "too many errors", "faults")

    def _change(self, action: protocol.Action) -> None:
        parameter = self.asked.parameter_of(action.parameter)
        selection = self.asked.selection
        if action.subscribes:
            self.asked.check_keys(action.keys)
            selection.add(parameter, action.keys)
        else:
            selection.remove(parameter, action.keys)
        before, self._channels = self._channels, selection.channels()
        watched, self._named = self._named, selection.named()
        if self.position is None:
            self._hub.remove(self.outbox, before - self._channels)
            self._hub.add(self.outbox, self._channels - before)
            self._hub.unwatch(self.outbox, watched - self._named)
            self._hub.watch(self.outbox, self._named - watched)

    def _confirm(self) -> None:
        position = self.position or self._follower.positions
        self.say(protocol.subscribed(self.asked.selection.as_lists(), position.base()))

    def _listen(self) -> None:
        self._hub.add(self.outbox, self._channels)
        self._hub.watch(self.outbox, self._named)

    def _detach(self) -> None:
        self._hub.remove(self.outbox, self._channels)
        self._hub.unwatch(self.outbox, self._named)
        self.outbox.close()

    async def _close(self, code: int, reason: str) -> None:
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._ws.close(code=code, message=reason.encode(), drain=False)
        self._wire.abort()


def _count_eviction(error: BaseException) -> None:
    """Count a connection that aiohttp has closed by itself."""
    if isinstance(error, TimeoutError):
        metrics.LIVE_EVICTIONS.labels("dead").inc()
    elif isinstance(error, WebSocketError) and error.code == protocol.TOO_BIG:
        metrics.LIVE_EVICTIONS.labels("too big").inc()
