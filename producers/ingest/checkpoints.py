"""How far each source has been read, for those that don't know it themselves: a compacted topic.

It needs no disk, so that another machine can go on. A checkpoint is written after Kafka has
acknowledged what it stands for; a crash between the two leads to repeats, never to a loss.
"""

import asyncio
import json
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka import errors as kafka_errors

from producers.ingest.outlet import Outlet
from producers.ingest.record import Record
from streams.access import CONNECT_TIMEOUT_MS, explain
from streams.settings import Settings

CONFIGS = {"cleanup.policy": "compact"}
READ_TIMEOUT_S = 60.0


def topic_of_checkpoints(settings: Settings) -> str:
    """The topic's name."""
    return f"{settings.app_id}-ingest-checkpoints"


class Checkpoints:
    """The newest checkpoint of each name: any JSON but null."""

    def __init__(self, settings: Settings, outlet: Outlet) -> None:
        self._kafka = settings.kafka
        self._topic = topic_of_checkpoints(settings)
        self._outlet = outlet
        self._newest: dict[str, Any] = {}

    async def load(self) -> None:
        """Read the topic; raises TallyError."""
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                await self._load()
        except (OSError, kafka_errors.KafkaError) as exc:
            raise explain(exc, self._kafka) from exc

    def get(self, name: str) -> Any:
        """What was put last; None if nothing was."""
        return self._newest.get(name)

    def under(self, prefix: str) -> list[str]:
        """The names that begin so."""
        return [name for name in self._newest if name.startswith(prefix)]

    async def put(self, name: str, value: Any) -> None:
        """Keep it; returns when Kafka has acknowledged it. Raises UndeliveredError."""
        await self._write(name, json.dumps(value).encode())
        self._newest[name] = value

    async def forget(self, name: str) -> None:
        """Keep nothing by that name. Raises UndeliveredError."""
        await self._write(name, None)
        self._newest.pop(name, None)

    async def _write(self, name: str, value: bytes | None) -> None:
        delivery = await self._outlet.publish([Record(self._topic, value, name.encode())])
        await delivery.acknowledged()

    async def _load(self) -> None:
        consumer = AIOKafkaConsumer(
            enable_auto_commit=False,
            request_timeout_ms=CONNECT_TIMEOUT_MS,
            **self._kafka.client_options(),
        )
        async with consumer:
            numbers = self._outlet.partitions_of(self._topic)
            partitions = [TopicPartition(self._topic, number) for number in numbers]
            ends = await consumer.end_offsets(partitions)
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
            for tp in partitions:
                while await consumer.position(tp) < ends[tp]:
                    found = await consumer.getmany(tp, timeout_ms=200)
                    for record in found.get(tp, []):
                        # Only `_write` writes there.
                        assert record.key is not None, "it is the checkpoint's name"
                        self._note(record.key.decode(), record.value)

    def _note(self, name: str, value: bytes | None) -> None:
        if value is None:
            self._newest.pop(name, None)
        else:
            self._newest[name] = json.loads(value)
