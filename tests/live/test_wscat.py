"""Delivery to wscat, as a person would use it: `sleep 60 | wscat --connect URL`."""

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from deploy.local import LocalKafka
from tests.application import create_topics
from tests.live.gateways import SECONDS, RunningGateway, gateway, numbers, send

WSCAT = shutil.which("wscat")


@contextlib.asynccontextmanager
async def wscat(served: RunningGateway, query: str) -> AsyncIterator[asyncio.StreamReader]:
    """What wscat prints, a line for each message. It ends with its input."""
    assert WSCAT is not None
    process = await asyncio.create_subprocess_exec(
        WSCAT,
        "--connect",
        f"ws://{served.netloc}/ws?{query}",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SECONDS):
                await process.wait()
        if process.returncode is None:
            process.kill()


async def messages(printed: asyncio.StreamReader, n: int) -> list[dict[str, Any]]:
    """The next `n` messages that wscat prints."""
    async with asyncio.timeout(SECONDS):
        return [json.loads(await printed.readline()) for _ in range(n)]


@pytest.mark.skipif(WSCAT is None, reason="wscat is missing (npm install --global wscat)")
async def test_two_clients_get_only_their_keys(kafka: LocalKafka, topic: str) -> None:
    await create_topics(kafka.client_options(), topic, partitions=2)
    async with (
        AIOKafkaProducer(**kafka.client_options()) as producer,
        gateway(kafka, topic) as served,
        wscat(served, "key=k0") as one,
        wscat(served, "key=k1,k2") as other,
    ):
        assert (await messages(one, 1))[0]["keys"] == {"key": ["k0"]}
        assert (await messages(other, 1))[0]["keys"] == {"key": ["k1", "k2"]}
        await send(producer, topic, range(300))
        assert numbers(await messages(one, 100)) == list(range(0, 300, 3))
        got = await messages(other, 200)
        for key in (1, 2):
            mine = [message for message in got if message["key"] == f"k{key}"]
            assert numbers(mine) == list(range(key, 300, 3))
