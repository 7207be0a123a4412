"""The hub's law: each subscriber gets exactly its keys' messages, each once, in order."""

import asyncio
from types import SimpleNamespace
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from streams.core.columns import TP
from streams.web.live.hub import Hub
from streams.web.live.messages import Item, Message, Piece, json_value
from streams.web.live.outbox import Outbox
from streams.web.live.selection import Channel

TOPICS = st.sampled_from(["t1", "t2"])
KEYS = st.sampled_from([b"a", b"b", b"c"])
CHANNELS: st.SearchStrategy[Channel] = st.tuples(TOPICS, KEYS | st.none())


class Change(NamedTuple):
    """A subscriber wants a channel, or wants it no longer."""

    adds: bool
    subscriber: int
    channel: Channel


class Arrival(NamedTuple):
    """Messages of these keys."""

    topic: str
    keys: list[bytes | None]


CHANGES = st.builds(Change, st.booleans(), st.integers(0, 3), CHANNELS)
ARRIVALS = st.builds(Arrival, TOPICS, st.lists(KEYS | st.none(), max_size=6))


class Paper:
    """A wire that takes everything."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    is_full = False

    def offer(self, data: bytes) -> bool:
        self.written.append(data)
        return True

    def buffered(self) -> int:
        return 0

    async def drained(self) -> None:
        raise AssertionError("nobody waits for paper")


class Subscriber:
    """An outbox, and what has come out of it."""

    def __init__(self, provisional: bool = False) -> None:
        self.wire = Paper()
        self.channels: set[Channel] = set()
        self.expected: list[bytes] = []
        self.outbox = Outbox(
            self.wire, self.overflow, max_bytes=10**6, max_messages=10**4, provisional=provisional
        )

    def overflow(self) -> None:
        raise AssertionError("nothing waits")

    def wants(self, message: Message) -> bool:
        topic = message.tp.topic
        return bool(self.channels & {(topic, message.key), (topic, None)})

    def change(self, hub: Hub, change: Change) -> None:
        """As selections do it: all of a topic, or some of its keys, never both."""
        topic, key = change.channel
        if not change.adds:
            hub.remove(self.outbox, [change.channel])
            self.channels.discard(change.channel)
        elif (topic, None) not in self.channels:
            if key is None:
                single = {channel for channel in self.channels if channel[0] == topic}
                hub.remove(self.outbox, single)
                self.channels -= single
            hub.add(self.outbox, [change.channel])
            self.channels.add(change.channel)


def piece_of(topic: str, keys: list[bytes | None], offset: int) -> Piece:
    piece = Piece(TP(topic, 0), {}, "c.0.", json_value, offset + len(keys))
    piece.messages = [
        Message(piece, SimpleNamespace(key=key, value=b"1", offset=offset + i, timestamp=0))
        for i, key in enumerate(keys)
    ]
    return piece


@given(st.lists(CHANGES | ARRIVALS, max_size=40))
def test_each_gets_what_it_wants_once_and_in_order(steps: list[Change | Arrival]) -> None:
    hub, subscribers, offset = Hub(), [Subscriber() for _ in range(4)], 0
    for step in steps:
        if isinstance(step, Change):
            subscribers[step.subscriber].change(hub, step)
            continue
        piece = piece_of(step.topic, step.keys, offset)
        offset = piece.following
        hub.receive(piece)
        for message in piece.messages:
            message.encode()
            for s in subscribers:
                if s.wants(message):
                    s.expected.append(message.frame)
    for s in subscribers:
        assert b"".join(s.wire.written) == b"".join(s.expected)
        assert s.outbox.sent == len(s.expected)


def test_a_connection_is_written_to_once_for_each_piece() -> None:
    hub, one, other = Hub(), Subscriber(), Subscriber()
    hub.add(one.outbox, [("t", b"a"), ("t", b"b")])
    hub.add(other.outbox, [("t", b"x")])
    piece = piece_of("t", [b"a", b"c", b"b", b"a"], 0)
    hub.receive(piece)
    assert len(one.wire.written) == 1
    assert not other.wire.written
    assert not piece.messages[1].frame, "nobody wants it, so it isn't encoded"


def test_a_frame_is_made_once_for_all() -> None:
    hub, both = Hub(), [Subscriber(), Subscriber()]
    for s in both:
        hub.add(s.outbox, [("t", b"a")])
    hub.receive(piece_of("t", [b"a"], 0))
    assert both[0].wire.written[0] is both[1].wire.written[0]


def test_provisional_counts_go_to_those_who_ask() -> None:
    hub, plain = Hub(), Subscriber()
    keyed, everything = Subscriber(provisional=True), Subscriber(provisional=True)
    hub.watch(plain.outbox, [("t", b"a")])
    assert hub.provisional_keys("t") == set()
    hub.watch(keyed.outbox, [("t", b"a")])
    assert hub.provisional_keys("t") == {b"a"}
    hub.deliver_provisional("t", b"a", b"{}")
    hub.deliver_provisional("t", b"b", b"{}")
    hub.deliver_provisional("u", b"a", b"{}")
    assert (len(plain.wire.written), len(keyed.wire.written)) == (0, 1)
    hub.add(everything.outbox, [("t", None)])  # of all keys there would be too many
    assert hub.provisional_keys("t") == {b"a"}
    hub.deliver_provisional("t", b"a", b"{}")
    assert (len(keyed.wire.written), len(everything.wire.written)) == (2, 0)
    hub.watch(everything.outbox, [("t", b"a")])  # but some may be named besides
    hub.deliver_provisional("t", b"a", b"{}")
    hub.receive(piece_of("t", [b"a"], 0))
    assert (len(keyed.wire.written), len(everything.wire.written)) == (3, 2)
    hub.unwatch(keyed.outbox, [("t", b"a")])
    assert hub.provisional_keys("t") == {b"a"}
    hub.unwatch(everything.outbox, [("t", b"a")])
    assert hub.provisional_keys("t") == set()


def test_an_announcement_comes_once_to_all_of_a_topic() -> None:
    hub, one, other = Hub(), Subscriber(), Subscriber()
    hub.add(one.outbox, [("t", b"a"), ("t", b"b")])
    hub.add(other.outbox, [("u", None)])
    hub.announce("t", b"{}")
    assert (len(one.wire.written), len(other.wire.written)) == (1, 0)


class Pipe(Paper):
    """A wire that is full until a test says otherwise."""

    is_full = True

    def offer(self, data: bytes) -> bool:
        return not self.is_full and super().offer(data)

    def buffered(self) -> int:
        return 10**6

    async def drained(self) -> None:
        await asyncio.Event().wait()


@given(
    st.lists(st.tuples(KEYS, st.integers(1, 5)), min_size=1, max_size=30),
    st.booleans(),
)
def test_who_is_behind_gets_all_or_the_newest_of_each_key(
    bursts: list[tuple[bytes, int]], conflating: bool
) -> None:
    asyncio.run(_behind(bursts, conflating))


async def _behind(bursts: list[tuple[bytes, int]], conflating: bool) -> None:
    wire = Pipe()
    outbox = Outbox(wire, lambda: None, max_bytes=10**9, max_messages=10**6, conflating=conflating)
    offset = 0
    messages: list[Message] = []
    for key, n in bursts:
        piece = piece_of("t", [key] * n, offset)
        offset = piece.following
        for message in piece.messages:
            message.encode()
            outbox.pending.append(message)
        outbox.flush()
        messages += piece.messages
    assert not wire.written
    control = Item(b"control")
    outbox.send(control)
    newest = {m.key: m for m in messages}
    left = [m for m in messages if newest[m.key] is m] if conflating else messages
    assert outbox.queued == len(left) + 1
    assert outbox.dropped == len(messages) - len(left)
    assert outbox.queued_bytes == sum(len(m.frame) for m in left) + len(b"control") + 10**6
    wire.is_full = False
    outbox._pump()
    assert b"".join(wire.written) == b"".join(m.frame for m in left) + b"control"
    assert outbox.queued == 0
    outbox.close()


async def test_too_much_overflows() -> None:
    overflowed: list[bool] = []
    wire = Pipe()
    outbox = Outbox(wire, lambda: overflowed.append(True), max_bytes=2 * 10**6, max_messages=5)
    for _ in range(5):
        outbox.send(Item(b"x"))
    assert not overflowed
    outbox.send(Item(b"x"))
    assert overflowed
    outbox.close()
    outbox.send(Item(b"x"))
    assert (outbox.queued, wire.written) == (0, [])
    by_size = Outbox(wire, lambda: overflowed.append(False), max_bytes=10**6, max_messages=5)
    by_size.send(Item(b"x"))
    assert overflowed[-1] is False
    by_size.close()
