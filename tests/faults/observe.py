"""Looks at a cluster and at stores from outside, for the invariants."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from streams.core.aggregation import Aggregation
from streams.state.changelog import BOOKKEEPING_KEY, Bookkeeping, window_prefix
from streams.state.rocksdb import RocksStore
from tests.faults.invariants import Group, Partition, View
from tests.reading import Record

Options = Mapping[str, Any]
ANSWER_SECONDS = 90.0
ALL_KEYS = 1_000_000


@asynccontextmanager
async def _admin(options: Options) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**options)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await admin.start()
            yield admin
    finally:
        await admin.close()


async def in_sync(options: Options) -> bool:
    """Whether every replica of every partition is in sync, and each partition has a leader."""
    async with _admin(options) as admin:
        topics = await admin.describe_topics()
    return all(
        partition["leader"] >= 0 and set(partition["isr"]) == set(partition["replicas"])
        for topic in topics
        for partition in topic["partitions"]
    )


async def partitions(options: Options) -> list[Partition]:
    """All partitions of all topics, Kafka's own included."""
    async with _admin(options) as admin:
        topics = await admin.describe_topics()
    return [(t["topic"], p["partition"]) for t in topics for p in t["partitions"]]


async def ends(
    options: Options, tps: Iterable[Partition], *, committed: bool
) -> dict[Partition, int]:
    """The end of each log: of what is committed, or of everything."""
    isolation = "read_committed" if committed else "read_uncommitted"
    consumer = AIOKafkaConsumer(**options, isolation_level=isolation)
    async with asyncio.timeout(ANSWER_SECONDS), consumer:
        found = await consumer.end_offsets([TopicPartition(*tp) for tp in tps])
    return {(tp.topic, tp.partition): end for tp, end in found.items()}


async def committed_offsets(options: Options, group: str) -> dict[Partition, int]:
    """The offsets that a group has committed."""
    async with _admin(options) as admin:
        found = await admin.list_consumer_group_offsets(group)
    return {(tp.topic, tp.partition): at.offset for tp, at in found.items()}


async def group(options: Options, name: str) -> Group:
    """A group as its coordinator describes it."""
    async with _admin(options) as admin:
        [response] = await admin.describe_consumer_groups([name])
    [described] = response.to_object()["groups"]
    members = {}
    for member in described["members"]:
        data = member["member_assignment"]
        assigned = ConsumerProtocolMemberAssignment.decode(data).assignment if data else []
        members[member["member_id"]] = [(topic, p) for topic, ps in assigned for p in ps]
    return Group(described["state"], members)


def compacted(records: Iterable[Record]) -> View:
    """What a changelog comes to: the last value of each key, none for a tombstone."""
    values: dict[bytes, bytes] = {}
    position = 0
    for record in records:
        position = record.offset + 1
        assert record.key is not None
        if record.value is None:
            values.pop(record.key, None)
        else:
            values[record.key] = record.value
    return View(values, position)


def bookkeeping(view: View) -> Bookkeeping:
    """The newest bookkeeping of a changelog."""
    return Bookkeeping.decode(view.values[BOOKKEEPING_KEY])


async def stored(path: Path, aggregation: Aggregation[Any]) -> View:
    """What the store of a stopped worker holds. It is copied, so that nothing in it changes."""
    with tempfile.TemporaryDirectory(prefix="tally-store-") as folder:
        copy = shutil.copytree(path, Path(folder) / "copy")
        store = RocksStore(copy, aggregation)
        held = await store.open()
        assert held is not None, f"the store {path} holds nothing"
        assert held.bookkeeping is not None
        values = {BOOKKEEPING_KEY: held.bookkeeping.encode()}
        for window in await store.windows():
            for key, value in await store.scan(window, None, ALL_KEYS):
                values[window_prefix(window) + key] = aggregation.encode(value)
        await store.close()
    return View(values, held.position)


def tps(topics: Collection[str], count: int) -> list[Partition]:
    """All partitions of topics that have `count` each."""
    return [(topic, partition) for topic in topics for partition in range(count)]
