"""Hands each result to the connections that want it, and touches no others."""

from collections.abc import Iterable, Set

from streams import metrics
from streams.web.live.frames import text_frame
from streams.web.live.messages import Item, Piece
from streams.web.live.outbox import Outbox
from streams.web.live.selection import Channel

_NOBODY: Set[Outbox] = frozenset()


class Hub:
    """An outbox gets the messages of the channels it is added to, each once and in order."""

    def __init__(self) -> None:
        self._results = _Index()
        self._provisional = _Index()

    def add(self, outbox: Outbox, channels: Iterable[Channel]) -> None:
        """Deliver these, too."""
        for topic, key in channels:
            self._results.add(outbox, topic, key)
            if outbox.provisional:
                self._provisional.add(outbox, topic, key)

    def remove(self, outbox: Outbox, channels: Iterable[Channel]) -> None:
        """Deliver these no longer; those that weren't don't matter."""
        for topic, key in channels:
            self._results.discard(outbox, topic, key)
            self._provisional.discard(outbox, topic, key)

    def receive(self, piece: Piece) -> None:
        """Deliver the messages, each connection's in one go."""
        channels = self._results.of(piece.tp.topic)
        everyone = channels.get(None, _NOBODY)
        touched: list[Outbox] = []
        for message in piece.messages:
            keyed = _NOBODY if message.key is None else channels.get(message.key, _NOBODY)
            for wanted in (keyed, everyone):
                if wanted:
                    message.encode()
                    for outbox in wanted:
                        pending = outbox.pending
                        if not pending:
                            touched.append(outbox)
                        pending.append(message)
        deliveries = 0
        for outbox in touched:
            deliveries += len(outbox.pending)
            outbox.flush()
        metrics.LIVE_DELIVERIES.inc(deliveries)

    def announce(self, topic: str, payload: bytes) -> None:
        """Send JSON to all who follow a topic."""
        item = Item(text_frame(payload))
        for outbox in set().union(*self._results.of(topic).values()):
            outbox.send(item)

    def provisional_keys(self, topic: str) -> set[bytes]:
        """The keys whose provisional counts somebody wants.

        Who follows all keys gets none: nobody could read as many.
        """
        return {key for key in self._provisional.of(topic) if key is not None}

    def deliver_provisional(self, topic: str, key: bytes, payload: bytes) -> None:
        """Deliver JSON to those of a key who asked for provisional counts.

        Who is behind doesn't get it: by the time it could be read, it would be out of date.
        """
        item = Item(text_frame(payload))
        for outbox in list(self._provisional.of(topic).get(key, ())):
            if outbox.is_slow:
                outbox.drop()
            else:
                outbox.send(item)


class _Index:
    """Outboxes by topic and key; those of the key None want all keys."""

    def __init__(self) -> None:
        self._topics: dict[str, dict[bytes | None, set[Outbox]]] = {}

    def of(self, topic: str) -> dict[bytes | None, set[Outbox]]:
        return self._topics.setdefault(topic, {})

    def add(self, outbox: Outbox, topic: str, key: bytes | None) -> None:
        self.of(topic).setdefault(key, set()).add(outbox)

    def discard(self, outbox: Outbox, topic: str, key: bytes | None) -> None:
        keys = self.of(topic)
        if key in keys:
            keys[key].discard(outbox)
            if not keys[key]:
                del keys[key]
