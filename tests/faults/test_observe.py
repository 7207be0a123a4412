"""The looks from outside, at a real application: they see what is right, and what is not."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from aiokafka import AIOKafkaProducer

from streams.core.counts import COUNTING
from tests.application import Kafka, create_topics
from tests.faults import observe
from tests.faults.invariants import disagreement, open_transactions, unconsumed, unstable_group
from tests.polling import until_true
from tests.reading import read_all
from tests.scene import Scene

Name = Callable[[str], str]


async def test_sees_an_open_transaction(kafka: Kafka, topic: str) -> None:
    options = kafka.client_options()
    await create_topics(options, topic, partitions=2)

    async def findings() -> list[str]:
        tps = [tp for tp in await observe.partitions(options) if tp[0] == topic]
        assert len(tps) == 2
        stable = await observe.ends(options, tps, committed=True)
        return open_transactions(stable, await observe.ends(options, tps, committed=False))

    async with AIOKafkaProducer(**options, transactional_id=topic) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"open", partition=1)
        assert await findings() == [
            f"a transaction is open in {topic}-1: committed up to 0 of 1",
        ]
        await producer.abort_transaction()

        async def closed() -> bool:
            return not await findings()

        await until_true(closed)


def test_sees_how_an_application_ended(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    with Scene(kafka, unique("seen"), tmp_path) as scene:
        scene.use_shipped_timeouts()  # no session ends while it is looked at
        worker = scene.worker().start().until_running(scene.tasks)
        source = observe.tps([scene.input], scene.partitions)
        assigned = [*source, *observe.tps([scene.partials], scene.partitions)]
        group = asyncio.run(observe.group(scene.options, scene.app_id))
        assert unstable_group(group, 1, assigned) == []
        assert unstable_group(group, 2, assigned) != []
        scene.finals_grow()
        scene.finish()
        group = asyncio.run(observe.group(scene.options, scene.app_id))
        assert "the group is 'Empty', not 'Stable'" in unstable_group(group, 1, assigned)

        offsets = asyncio.run(observe.committed_offsets(scene.options, scene.app_id))
        ends = asyncio.run(observe.ends(scene.options, source, committed=False))
        assert unconsumed("the committed offset", offsets, ends) == []

        asyncio.run(stores_agree(scene, worker.data / scene.app_id / "state" / "hashtag_counts"))


async def stores_agree(scene: Scene, stores: Path) -> None:
    for partition, records in enumerate(await read_all(scene.options, scene.changelog)):
        store = await observe.stored(stores / str(partition), COUNTING)
        assert disagreement(str(partition), observe.compacted(records), store) == []
        # The last record is the bookkeeping of the last transaction.
        assert len(disagreement(str(partition), observe.compacted(records[:-1]), store)) == 2
