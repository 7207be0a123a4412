"""Topics, producers and gateways of a test's own."""

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from deploy.local import LocalKafka
from tests.application import create_topics
from tests.live.gateways import RunningGateway, gateway
from tests.live.refusing import SITE, TOKENS


@pytest.fixture
async def two_partitions(kafka: LocalKafka, topic: str) -> str:
    """The name of `topic`, which is there and empty."""
    await create_topics(kafka.client_options(), topic, partitions=2)
    return topic


@pytest.fixture
async def producer(
    kafka: LocalKafka,
    two_partitions: str,  # noqa: ARG001
) -> AsyncIterator[AIOKafkaProducer]:
    """Writes to `topic`."""
    async with AIOKafkaProducer(**kafka.client_options(), linger_ms=5) as producer:
        yield producer


@pytest.fixture
async def guarded(
    kafka: LocalKafka, two_partitions: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[RunningGateway]:
    """With tokens and a list of sites; at the end, nothing secret was logged."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("aiokafka").setLevel(logging.WARNING)
    file = tmp_path / "tokens.json"
    file.write_text(json.dumps(TOKENS))
    async with gateway(
        kafka,
        two_partitions,
        LIVE_TOKENS_FILE=str(file),
        LIVE_ORIGINS=f"{SITE},http://localhost:3000",
    ) as served:
        yield served
    assert "canary" not in caplog.text


@pytest.fixture
async def opened(kafka: LocalKafka, two_partitions: str) -> AsyncIterator[RunningGateway]:
    """Open to everybody."""
    async with gateway(kafka, two_partitions) as served:
        yield served
