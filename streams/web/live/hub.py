"""Hands each result to the connections that want it, and touches no others."""

from collections.abc import Iterable, Sequence, Set

from streams import metrics
from streams.web.live.frames import text_frame
from streams.web.live.messages import Item, Message, Piece
from streams.web.live.outbox import Outbox
from streams.web.live.selection import Channel

#: By key; those of the key None want all keys.
Channels = dict[bytes | None, set[Outbox]]

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

    def watch(self, outbox: Outbox, channels: Iterable[Channel]) -> None:
        """Deliver provisional counts of these, whichever channels bring their results."""
        if outbox.provisional:
            for topic, key in channels:
                self._provisional.add(outbox, topic, key)

    def unwatch(self, outbox: Outbox, channels: Iterable[Channel]) -> None:
        """Deliver no provisional counts of these any more."""
        for topic, key in channels:
            self._provisional.discard(outbox, topic, key)

    def remove(self, outbox: Outbox, channels: Iterable[Channel]) -> None:
        """Deliver these no longer; those that weren't don't matter."""
        for topic, key in channels:
            self._results.discard(outbox, topic, key)

    def receive(self, piece: Piece) -> None:
        """Deliver the messages, each connection's in one go."""
        channels = self._results.of(piece.tp.topic)
        everyone = channels.get(None, _NOBODY)
        if len(piece.messages) == 1:
            deliveries = _deliver_one(piece.messages[0], channels, everyone)
        else:
            deliveries = _deliver(piece.messages, channels, everyone)
        metrics.LIVE_DELIVERIES.inc(deliveries)

    def announce(self, topic: str, payload: bytes) -> None:
        """Send JSON to all who follow a topic."""
        item = Item(text_frame(payload))
        for outbox in set().union(*self._results.of(topic).values()):
            outbox.send(item)

    def provisional_keys(self, topic: str) -> set[bytes]:
        """The keys whose provisional counts somebody wants.

        Nobody can want those of all keys: who follows all names the ones that matter to him.
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


def _deliver(messages: Sequence[Message], channels: Channels, everyone: Set[Outbox]) -> int:
    touched: list[Outbox] = []
    for message in messages:
        for wanted in (_of_key(message, channels), everyone):
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
    return deliveries


def _deliver_one(message: Message, channels: Channels, everyone: Set[Outbox]) -> int:
    """The same for a message alone, in a single pass: touching each connection is what costs."""
    wanted = (*_of_key(message, channels), *everyone)
    if wanted:
        message.encode()
    for outbox in wanted:
        outbox.send(message)
    return len(wanted)


def _of_key(message: Message, channels: Channels) -> Set[Outbox]:
    return _NOBODY if message.key is None else channels.get(message.key, _NOBODY)


class _Index:
    """Channels by topic."""

    def __init__(self) -> None:
        self._topics: dict[str, Channels] = {}

    def of(self, topic: str) -> Channels:
        return self._topics.setdefault(topic, {})

    def add(self, outbox: Outbox, topic: str, key: bytes | None) -> None:
        self.of(topic).setdefault(key, set()).add(outbox)

    def discard(self, outbox: Outbox, topic: str, key: bytes | None) -> None:
        keys = self.of(topic)
        if key in keys:
            keys[key].discard(outbox)
            if not keys[key]:
                del keys[key]
