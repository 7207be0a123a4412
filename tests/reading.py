"""Reading topics back, for tests against a real broker."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

#: A busy machine, and what a load wrote, take their time.
READ_TIMEOUT_S = 120.0

Record = ConsumerRecord[bytes | None, bytes | None]


async def read_all(options: Mapping[str, Any], topic: str) -> list[list[Record]]:
    """The committed records of each partition, from its start to its present end."""
    consumer = AIOKafkaConsumer(
        **options, enable_auto_commit=False, isolation_level="read_committed"
    )
    async with asyncio.timeout(READ_TIMEOUT_S), consumer:
        # Unlike partitions_for_topic(), which answers from what the client knows already.
        numbers = sorted(await consumer._client._wait_on_metadata(topic))
        partitions = [TopicPartition(topic, number) for number in numbers]
        ends = await consumer.end_offsets(partitions)
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        found: list[list[Record]] = [[] for _ in partitions]
        for tp in partitions:
            while await consumer.position(tp) < ends[tp]:
                for read, records in (await consumer.getmany(tp, timeout_ms=200)).items():
                    found[read.partition] += records
        return found
