"""Topics of the benchmarks' own."""

from collections.abc import Mapping
from typing import Any

import aiokafka.errors as kafka_errors
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

PARTITIONS = 3

Options = Mapping[str, Any]


async def create(options: Options, *names: str, partitions: int = PARTITIONS) -> None:
    """Create topics; records are kept however old their timestamps are."""
    admin = AIOKafkaAdminClient(**options)
    await admin.start()
    try:
        response: Any = await admin.create_topics(
            [NewTopic(n, partitions, 1, topic_configs={"retention.ms": "-1"}) for n in names]
        )
    finally:
        await admin.close()
    for name, code, *_ in response.topic_errors:
        if code:
            raise kafka_errors.for_code(code)(name)


async def delete(options: Options, *names: str) -> None:
    """Delete topics, to give their disk space back."""
    admin = AIOKafkaAdminClient(**options)
    await admin.start()
    try:
        await admin.delete_topics(list(names))
    finally:
        await admin.close()


async def delete_of(options: Options, app: str) -> None:
    """Delete all topics whose names hold that of an application: internal ones, too."""
    admin = AIOKafkaAdminClient(**options)
    await admin.start()
    try:
        names = [name for name in await admin.list_topics() if app in name]
        await admin.delete_topics(names)
    finally:
        await admin.close()


async def records(options: Options, prefix: str, suffix: str) -> int:
    """How many records topics of this name hold, control records among them."""
    admin, consumer = AIOKafkaAdminClient(**options), AIOKafkaConsumer(**options)
    await admin.start()
    await consumer.start()
    try:
        names = await admin.list_topics()
        wanted = [n for n in names if n.startswith(prefix) and n.endswith(suffix)]
        tps = [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in await admin.describe_topics(wanted)
            for partition in topic["partitions"]
        ]
        ends: dict[Any, int] = await consumer.end_offsets(tps)
        begins: dict[Any, int] = await consumer.beginning_offsets(tps)
        return sum(ends.values()) - sum(begins.values())
    finally:
        await admin.close()
        await consumer.stop()
