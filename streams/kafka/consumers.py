"""Consumers of committed records that belong to no group: made, watched and stopped.

Hook, written for aiokafka 0.14.0; `tests/live/test_follower.py` and `tests/faults/test_standbys.py`
hold it. What is used of aiokafka's inside: `Fetcher.error_future`, and the client's
`_wait_on_metadata`, for partitions can be assigned only once they are known.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer

from streams.kafka.errors import translated

#: Seconds that closing a consumer may take.
STOP_SECONDS = 2.0


def committed_consumer(options: Mapping[str, Any]) -> AIOKafkaConsumer:
    """One that isn't started yet. `options` are those of any client, and how it fetches.

    A position that the log has lost is an error, unless the options say otherwise.
    """
    return AIOKafkaConsumer(
        **{"auto_offset_reset": "none", **options}, isolation_level="read_committed"
    )


@asynccontextmanager
async def connected_consumer(
    options: Mapping[str, Any], doing: str, seconds: float
) -> AsyncIterator[AIOKafkaConsumer]:
    """One that is started, and stopped at the end of the context.

    Raises TransactionError or ClusterAccessError if it can't connect within `seconds`; `doing`
    says what it is for.
    """
    consumer = committed_consumer(options)
    try:
        async with translated(doing, seconds):
            await consumer.start()
        yield consumer
    finally:
        await stop_consumer(consumer)


async def partitions_of(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    """The numbers of a topic's partitions, which the consumer knows from then on."""
    return set(await consumer._client._wait_on_metadata(topic))


def has_ended(consumer: AIOKafkaConsumer) -> bool:
    """Whether its fetcher, which goes on over all errors of brokers, met one of its own."""
    fetcher: Any = consumer._fetcher
    return bool(fetcher.error_future.done())


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer. In a task of its own: a consumer that never fetched cancels its caller."""
    stopping = asyncio.ensure_future(consumer.stop())
    await asyncio.wait([stopping], timeout=STOP_SECONDS)
    stopping.cancel()
