"""The consumer group of an application that doesn't run: who is still in it, and its offsets."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import aiokafka.errors as kafka_errors
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from streams.core.columns import TP
from streams.errors import ResetError
from streams.kafka.consumers import stop_consumer

#: Seconds until the group's coordinator has to answer, and between two attempts.
ASK_SECONDS, PAUSE_SECONDS = 25.0, 0.5

_REMEDY = (
    "Stop all workers; one that was killed stays in the group until STREAMS_SESSION_TIMEOUT_MS "
    "has passed"
)


async def refuse_if_running(options: Mapping[str, Any], group: str) -> None:
    """Raise ResetError, which tells where they run, if the group has members."""
    hosts = await _hosts(options, group)
    if hosts:
        raise ResetError(f"{group} runs: {', '.join(sorted(hosts))}", _REMEDY)


async def _hosts(options: Mapping[str, Any], group: str) -> list[str]:
    """Where the group's members run. While there is no coordinator to ask, it is looked for."""
    deadline = time.monotonic() + ASK_SECONDS
    while True:
        try:
            return await _ask(options, group)
        except kafka_errors.KafkaError as exc:
            if not exc.retriable or time.monotonic() > deadline:
                raise
        await asyncio.sleep(PAUSE_SECONDS)


async def _ask(options: Mapping[str, Any], group: str) -> list[str]:
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
    return hosts


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
