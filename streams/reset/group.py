"""The consumer group of an application that doesn't run: who is still in it, and its offsets."""

from collections.abc import Mapping
from typing import Any

import aiokafka.errors as kafka_errors
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from streams.core.columns import TP
from streams.errors import ResetError
from streams.kafka.consumers import stop_consumer

_REMEDY = (
    "Stop all workers; one that was killed stays in the group until STREAMS_SESSION_TIMEOUT_MS "
    "has passed"
)


async def refuse_if_running(options: Mapping[str, Any], group: str) -> None:
    """Raise ResetError, which tells where they run, if the group has members."""
    admin = AIOKafkaAdminClient(**options)
    try:
        await admin.start()
        described: list[Any] = await admin.describe_consumer_groups([group])
    finally:
        await admin.close()
    hosts = []
    for response in described:
        for code, _group, _state, _type, _protocol, members, *_rights in response.groups:
            error = kafka_errors.for_code(code)
            if error is not kafka_errors.NoError:
                raise error(group)
            hosts += [f"{client} at {host.strip('/')}" for _id, client, host, *_ in members]
    if hosts:
        raise ResetError(f"{group} runs: {', '.join(sorted(hosts))}", _REMEDY)


async def commit_outside(options: Mapping[str, Any], group: str, offsets: Mapping[TP, int]) -> None:
    """Commit offsets without metadata, as nobody's member.

    The broker takes that only while the group has no members, so that a worker which has just
    started can't be overtaken. Raises ResetError if there is one.
    """
    if not offsets:
        return
    consumer = AIOKafkaConsumer(group_id=group, enable_auto_commit=False, **options)
    try:
        await consumer.start()
        consumer.assign([TopicPartition(*tp) for tp in offsets])
        await consumer.commit(
            {TopicPartition(*tp): OffsetAndMetadata(at, "") for tp, at in offsets.items()}
        )
    except kafka_errors.CommitFailedError as exc:
        raise ResetError(f"A worker of {group} has just started", _REMEDY) from exc
    finally:
        await stop_consumer(consumer)
