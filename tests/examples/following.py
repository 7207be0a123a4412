"""What the examples follow: a gateway that goes away for a while, and results of three keys."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from aiokafka import AIOKafkaProducer

from tests.application import Kafka
from tests.live.gateways import SECONDS, RunningGateway, gateway
from tests.worker import free_port

EXAMPLES = Path(__file__).parents[2] / "examples"
#: The examples are told to follow the first two.
KEYS = ("python", "kafka", "other")


class Feed:
    """A topic, a gateway at an address that stays, and results as they are asked for."""

    def __init__(self, kafka: Kafka, topic: str, producer: AIOKafkaProducer) -> None:
        self.port = free_port()
        self.address = f"ws://127.0.0.1:{self.port}"
        self._kafka = kafka
        self._topic = topic
        self._producer = producer
        self._next = 0

    def gateway(self, **variables: str) -> AbstractAsyncContextManager[RunningGateway]:
        """Serve; variables without STREAMS_."""
        ours = {"LIVE_TOPICS": f"{self._topic}=realTimeItemKey", "WEB_PORT": str(self.port)}
        return gateway(self._kafka, self._topic, **ours, **variables)

    async def results(self, n: int) -> list[str]:
        """Write `n` results for each key; what the examples say of those that they follow."""
        lines = []
        for number in range(self._next, self._next + n):
            for key in KEYS:
                value = {"hashtag": key, "count": number}
                await self._producer.send_and_wait(
                    self._topic, json.dumps(value).encode(), key=key.encode()
                )
                if key != "other":
                    lines.append(f"{key} {number}")
        self._next += n
        return lines


@asynccontextmanager
async def running(
    command: Sequence[str], **environment: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """An example as a process of its own; all that it has started ends with it."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=sys.stderr,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def lines(process: asyncio.subprocess.Process, n: int) -> list[str]:
    """The next lines that it prints."""
    assert process.stdout is not None
    async with asyncio.timeout(SECONDS):
        return [(await process.stdout.readline()).decode().strip() for _ in range(n)]
