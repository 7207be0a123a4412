"""What a test does with a cluster, each as one blocking call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

Options = Mapping[str, Any]
ANSWER_SECONDS = 90.0
ALICE_PASSWORD = 'any, "character" \\ ü ='


def create_topic(options: Options, topic: str, replicas: int = 1) -> None:
    async def create() -> None:
        admin = AIOKafkaAdminClient(**options)
        try:
            await admin.start()
            response: Any = await admin.create_topics([NewTopic(topic, 1, replicas)])
            [(name, error_code, *_)] = response.topic_errors
            assert (name, error_code) == (topic, 0), response
        finally:
            await admin.close()

    asyncio.run(asyncio.wait_for(create(), ANSWER_SECONDS))


def list_topics(options: Options) -> set[str]:
    async def ask() -> set[str]:
        admin = AIOKafkaAdminClient(**options)
        try:
            await admin.start()
            return set(await admin.list_topics())
        finally:
            await admin.close()

    return asyncio.run(asyncio.wait_for(ask(), ANSWER_SECONDS))


def produce(options: Options, topic: str, *values: bytes) -> None:
    """In one transaction, as the application does it."""

    async def send() -> None:
        transactional_id = f"{topic}-writer"
        async with (
            AIOKafkaProducer(**options, transactional_id=transactional_id) as producer,
            producer.transaction(),
        ):
            for value in values:
                await producer.send_and_wait(topic, value)

    asyncio.run(asyncio.wait_for(send(), ANSWER_SECONDS))


def consume(options: Options, topic: str, count: int) -> list[bytes]:
    """The first ``count`` values, through a consumer group of its own."""

    async def receive() -> list[bytes]:
        values: list[bytes] = []
        async with AIOKafkaConsumer(
            topic,
            **options,
            group_id=f"{topic}-readers",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            isolation_level="read_committed",
        ) as consumer:
            while len(values) < count:
                values.append((await consumer.getone()).value)
        return values

    return asyncio.run(asyncio.wait_for(receive(), ANSWER_SECONDS))
