"""Shards that are split and merged, as AWS does it: closed ones are kept for a while."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.ingest.aws import shards
from producers.ingest.aws.calls import AwsError
from producers.ingest.aws.shards import NEWEST, OLDEST, Piece, Shard, ShardReader
from producers.ingest.gateway import Gateway
from producers.ingest.record import Record
from streams.ingest.aws_settings import AwsSourceSettings
from streams.settings import Settings
from tests.polling import until_true
from tests.unit.ingest.slow_outlet import SlowOutlet, gateway_of

TOPIC = "changes"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PAUSE_SECONDS", "QUIET_SECONDS", "LOOK_SECONDS"):
        monkeypatch.setattr(shards, name, 0.001)


@dataclass
class Kept:
    """One shard: its records' values, and whether no more come."""

    parents: tuple[str, ...] = ()
    values: list[bytes] = field(default_factory=list)
    is_closed: bool = False


class Resharded:
    """See `Stream`; iterators are places in a shard, and expire when a test says so."""

    name = "made-up/stream"

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        self.expired: set[str] = set()
        #: How often it was asked for its shards, and each shard for records.
        self.looks = 0
        self.reads: Counter[str] = Counter()
        self._written = 0

    def open(self, name: str, *parents: str) -> None:
        """A shard that takes the place of others."""
        for parent in parents:
            self.kept[parent].is_closed = True
        self.kept[name] = Kept(parents)

    def write(self, name: str, records: int = 1) -> None:
        """Numbers, so that a later record has a higher one."""
        for _ in range(records):
            self._written += 1
            self.kept[name].values.append(b"%d" % self._written)

    async def shards(self) -> list[Shard]:
        self.looks += 1
        # Children first: the order in which they are named means nothing.
        return [Shard(name, kept.parents) for name, kept in reversed(self.kept.items())]

    async def iterator(self, shard: str, at: str) -> str:
        kept = self.kept[shard]
        if at == NEWEST:
            return str(len(kept.values))
        return "0" if at == OLDEST else str(kept.values.index(at.encode()) + 1)

    async def read(self, shard: str, iterator: str) -> Piece:
        self.reads[shard] += 1
        if shard in self.expired:
            self.expired.remove(shard)
            raise AwsError("too old", "ExpiredIteratorException")
        kept, at = self.kept[shard], int(iterator)
        some = kept.values[at : at + 2]
        is_end = kept.is_closed and at + len(some) == len(kept.values)
        records = [(value.decode(), Record(TOPIC, value)) for value in some]
        return Piece(records, None if is_end else str(at + len(some)))


@contextlib.asynccontextmanager
async def reading(gateway: Gateway, stream: Resharded) -> AsyncIterator[None]:
    """Reads as long as the context lasts, and then stops in order."""
    task = asyncio.create_task(ShardReader(gateway, stream).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
    assert task.cancelled(), task.exception()


async def until_published(outlet: SlowOutlet, count: int) -> list[bytes | None]:
    """The values published, once there are so many."""

    async def enough() -> bool:
        return len(outlet.values(TOPIC)) >= count

    await until_true(enough)
    return outlet.values(TOPIC)


async def until_more(stream: Resharded, than: int, shard: str = "") -> None:
    """Return after some more looks for shards, or reads of one."""

    async def enough() -> bool:
        return (stream.reads[shard] if shard else stream.looks) > than + 3

    await until_true(enough)


def gateway(outlet: SlowOutlet, start: str = OLDEST) -> Gateway:
    return gateway_of(outlet, Settings(aws_sources=AwsSourceSettings(start_at=start)))


async def test_children_come_after_their_parents() -> None:
    stream, outlet = Resharded(), SlowOutlet()
    stream.open("a")
    stream.open("b")
    stream.write("a", 5)
    stream.write("b", 5)
    stream.open("c", "a", "b")
    stream.write("c", 5)
    async with reading(gateway(outlet), stream):
        found = await until_published(outlet, 15)
        assert {*found[10:]} == {*stream.kept["c"].values}
        # While it runs, too.
        stream.open("d", "c")
        stream.open("e", "c")
        stream.write("d", 3)
        stream.write("e", 3)
        found = await until_published(outlet, 21)
    assert Counter(found).most_common(1)[0][1] == 1, "each once"
    assert [v for v in found if v in stream.kept["d"].values] == stream.kept["d"].values


async def test_a_child_waits_for_the_acknowledgement_of_its_parents() -> None:
    stream, outlet = Resharded(), SlowOutlet(held=True)
    stream.open("a")
    stream.write("a", 2)
    stream.open("b", "a")
    stream.write("b", 2)
    async with reading(gateway(outlet), stream):
        await until_published(outlet, 2)
        await until_more(stream, stream.looks)
        assert len(outlet.values(TOPIC)) == 2
        outlet.held = False
        outlet.acknowledge()
        await until_published(outlet, 4)


async def test_newest_means_what_comes_after_the_first_start() -> None:
    stream, outlet = Resharded(), SlowOutlet()
    stream.open("a")
    stream.write("a", 5)
    same = gateway(outlet, NEWEST)
    async with reading(same, stream):
        await until_more(stream, 0, "a")
        stream.write("a", 2)
        await until_published(outlet, 2)
        # Of a shard that wasn't there at the start, nothing is left out.
        stream.open("b", "a")
        stream.write("b", 2)
        await until_published(outlet, 4)
    stream.open("c", "b")
    stream.write("c", 2)
    async with reading(same, stream):
        found = await until_published(outlet, 6)
    assert found == [b"%d" % n for n in range(6, 12)]


def has(some: Gateway, shard: str) -> bool:
    """Whether there is a checkpoint for a shard."""
    return some.checkpoints.get(f"{Resharded.name}/{shard}") is not None


async def test_an_iterator_that_expires_is_replaced() -> None:
    stream, outlet = Resharded(), SlowOutlet()
    stream.open("a")
    stream.write("a", 5)
    async with reading(gateway(outlet), stream):
        await until_published(outlet, 5)
        stream.expired.add("a")
        stream.write("a", 5)
        found = await until_published(outlet, 10)
    assert found == [b"%d" % n for n in range(1, 11)]


async def test_checkpoints_of_shards_that_are_gone_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream, outlet = Resharded(), SlowOutlet()
    stream.open("a")
    stream.write("a", 2)
    stream.open("b", "a")
    stream.write("b", 2)
    same = gateway(outlet)
    async with reading(same, stream):
        await until_published(outlet, 4)
        gone = stream.kept.pop("a")
        await until_more(stream, stream.looks)
        assert has(same, "a"), "a list may lag behind"
        stream.kept["a"] = gone
        monkeypatch.setattr(shards, "FORGET_SECONDS", 0.0)
        await until_more(stream, stream.looks)
        assert has(same, "a")
        del stream.kept["a"]

        async def is_forgotten() -> bool:
            return not has(same, "a")

        await until_true(is_forgotten)
        assert has(same, "b")
    assert len(outlet.values(TOPIC)) == 4


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_each_record_once_in_its_line_however_shards_change(data: st.DataObject) -> None:
    """A record comes after all records of the shards that its own shard came from."""
    stream, outlet = Resharded(), SlowOutlet()
    stream.open("0")
    names = iter(map(str, range(1, 100)))

    def change() -> None:
        now_open = [name for name, kept in stream.kept.items() if not kept.is_closed]
        parents = data.draw(
            st.lists(st.sampled_from(now_open), min_size=1, max_size=2, unique=True)
        )
        for _ in range(1 if len(parents) == 2 else 2):
            stream.open(next(names), *parents)
        for name, kept in stream.kept.items():
            if not kept.is_closed:
                stream.write(name, data.draw(st.integers(0, 3)))

    async def play() -> None:
        same = gateway(outlet)
        stream.write("0", 3)
        for _ in range(data.draw(st.integers(1, 3))):
            async with reading(same, stream):
                for _ in range(data.draw(st.integers(0, 3))):
                    change()
                    await asyncio.sleep(data.draw(st.sampled_from([0, 0.002, 0.01])))
        async with reading(same, stream):
            await until_published(outlet, sum(len(kept.values) for kept in stream.kept.values()))

    asyncio.run(play())
    found = outlet.values(TOPIC)
    assert len(set(found)) == len(found), "each once, for all stops were in order"
    place = {value: n for n, value in enumerate(found)}
    for kept in stream.kept.values():
        before = [place[v] for parent in kept.parents for v in stream.kept[parent].values]
        own = [place[v] for v in kept.values]
        assert own == sorted(own)
        assert not before or not own or max(before) < own[0]
