"""Where the demo gets its results from: the output topic, and the worker's web server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiokafka import AIOKafkaConsumer
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.demo_results import Final, WorkerStatus

TIMEOUT = aiohttp.ClientTimeout(total=2.0)
STOP_SECONDS = 2.0
RECORDS_IN = "streams_records_in_total"


@asynccontextmanager
async def finals_from_now(
    options: Mapping[str, Any], topic: str
) -> AsyncIterator[AsyncIterator[Final]]:
    """The results that are committed from now on.

    Reading committed is what makes them final: what a worker wrote before it was killed is in
    the topic too, but was never committed.
    """
    consumer = AIOKafkaConsumer(
        topic, **options, isolation_level="read_committed", enable_auto_commit=False
    )
    try:
        await consumer.start()
        await consumer.seek_to_end()
        yield _decoded(consumer)
    finally:
        stopping = asyncio.ensure_future(consumer.stop())
        await asyncio.wait({stopping}, timeout=STOP_SECONDS)
        stopping.cancel()


async def _decoded(consumer: AIOKafkaConsumer) -> AsyncIterator[Final]:
    async for record in consumer:
        yield Final.decode(record.value)


class WorkerPages:
    """The worker's ``/health`` and ``/metrics``."""

    def __init__(self, session: aiohttp.ClientSession, address: str, input_topic: str) -> None:
        self._session = session
        self._address = address
        self._input_topic = input_topic

    async def ask(self) -> WorkerStatus:
        """How the worker does now; also if it doesn't answer."""
        try:
            # Health is a 503 while a task is stalled, with the same body.
            health = await self._get("/health")
            tasks = (await health.json())["tasks"]
            metrics = await (await self._get("/metrics")).text()
        except (aiohttp.ClientError, TimeoutError):
            return WorkerStatus("not answering")
        return WorkerStatus(
            "healthy" if health.ok else "stalled",
            len(tasks),
            sum(task["status"] == "running" for task in tasks),
            _records_in(metrics, self._input_topic),
        )

    async def _get(self, page: str) -> aiohttp.ClientResponse:
        return await self._session.get(f"http://{self._address}{page}", timeout=TIMEOUT)


def _records_in(metrics: str, topic: str) -> int:
    return sum(
        int(sample.value)
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
        if sample.name == RECORDS_IN and sample.labels["topic"] == topic
    )
