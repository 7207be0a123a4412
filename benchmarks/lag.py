"""How far a consumer group is behind on its topics."""

import asyncio
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from benchmarks.topics import Options

#: A log may end in control records, over which not everyone commits.
_CONTROL_RECORDS = 3
_EMPTY_SECONDS = 90.0


class Lag:
    """Asks for what a group has left to read: of an input topic and of its repartition topics."""

    def __init__(self, options: Options, group: str, topic: str) -> None:
        self._group = group
        self._topic = topic
        self._admin = AIOKafkaAdminClient(**options)
        self._consumer = AIOKafkaConsumer(**options, isolation_level="read_committed")

    async def __aenter__(self) -> Self:
        await self._admin.start()
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._admin.close()
        await self._consumer.stop()

    async def records(self) -> int | None:
        """Records left to read and commit; None while the group has committed nothing."""
        topics = await self._admin.describe_topics(await self._names())
        tps = [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in topics
            for partition in topic["partitions"]
        ]
        ends: dict[Any, int] = await self._consumer.end_offsets(tps)
        begins: dict[Any, int] = await self._consumer.beginning_offsets(tps)
        committed = await self._admin.list_consumer_group_offsets(self._group)
        if not committed:
            return None
        left = 0
        for tp in tps:
            reached = committed[tp].offset if tp in committed else begins[tp]
            behind = ends[tp] - max(reached, begins[tp])
            left += behind if tp.topic == self._topic or behind > _CONTROL_RECORDS else 0
        return left

    async def _names(self) -> list[str]:
        names = [n for n in await self._admin.list_topics() if self._group in n]
        return [self._topic, *(n for n in names if "repartition" in n and "changelog" not in n)]


async def wait_until_empty(options: Options, group: str) -> None:
    """Wait until a group has no members; raises TimeoutError after a while."""
    admin = AIOKafkaAdminClient(**options)
    await admin.start()
    try:
        async with asyncio.timeout(_EMPTY_SECONDS):
            while True:
                answer: Any
                (answer,) = await admin.describe_consumer_groups([group])
                if answer.groups[0][2] in ("Empty", "Dead"):
                    return
                await asyncio.sleep(0.5)
    finally:
        await admin.close()
