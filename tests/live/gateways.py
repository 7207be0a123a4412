"""Gateways of a test's own, in its event loop, and clients that we didn't write."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
from aiokafka import AIOKafkaProducer
from prometheus_client import REGISTRY
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from streams.settings import Settings
from streams.web.live.site import LiveSite
from streams.web.server import running
from tests.application import Kafka
from tests.worker import free_port

HOST = "127.0.0.1"
SECONDS = 90.0


class RunningGateway:
    """A gateway, and how to reach it."""

    def __init__(self, settings: Settings, site: LiveSite) -> None:
        self.settings = settings
        self.site = site
        self.netloc = f"{HOST}:{settings.web_port}"

    def client(self, query: str, **options: Any) -> connect:
        """A connection to `/ws`, with the options of `websockets.connect`."""
        # Ours are in good time, or not at all; big results are none of the client's business.
        options = {"open_timeout": SECONDS, "max_queue": None, **options}
        return connect(f"ws://{self.netloc}/ws?{query}", compression=None, **options)

    async def get(self, path: str, **headers: str) -> tuple[int, str, Any]:
        """Status, content type and body of a page."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://{self.netloc}{path}", headers=headers) as response,
        ):
            return response.status, response.content_type, await response.json(content_type=None)

    @property
    def connections(self) -> int:
        """How many there are now."""
        return len(self.site.gateway._connections)


@contextlib.asynccontextmanager
async def gateway(kafka: Kafka, topic: str, **variables: str) -> AsyncIterator[RunningGateway]:
    """Serve keys of one topic by the parameters `key` and `hashtag`; variables without STREAMS_."""
    ours = {
        "LIVE_TOPICS": f"{topic}=key|hashtag",
        "LIVE_MAX_PER_ADDRESS": "5000",
        "LIVE_HANDSHAKE_SECONDS": "60",
        "WEB_PORT": str(free_port()),
        **variables,
    }
    settings = Settings.from_env(
        {**kafka.env(), **{f"STREAMS_{name}": value for name, value in ours.items()}}
    )
    site = LiveSite(settings, None)
    async with site.follower.held(), running(settings, site):
        assert await site.follower.ready(SECONDS)
        yield RunningGateway(settings, site)


async def read(ws: ClientConnection, n: int = 1, seconds: float = SECONDS) -> list[dict[str, Any]]:
    """The next `n` messages."""
    async with asyncio.timeout(seconds):
        return [json.loads(await ws.recv()) for _ in range(n)]


async def code_of_closing(ws: ClientConnection) -> int | None:
    """Read on until it is closed; the code that the server gave, None if it gave none."""
    try:
        while True:
            await read(ws)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd is not None else None


async def results(ws: ClientConnection, n: int, seconds: float = SECONDS) -> list[dict[str, Any]]:
    """Messages until `n` of them were results; only those."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(seconds):
        while len(found) < n:
            message = json.loads(await ws.recv())
            found += [message] if "id" in message else []
    return found


async def send(
    producer: AIOKafkaProducer,
    topic: str,
    numbers: range,
    *,
    keys: int = 3,
    partitions: int = 2,
    padding: str = "",
) -> None:
    """Write `{"n": n}` for each number; its key is `k<n % keys>`, each key in one partition."""
    pending = [
        await producer.send(
            topic,
            json.dumps({"n": n, "padding": padding}).encode(),
            key=b"k%d" % (n % keys),
            partition=n % keys % partitions,
        )
        for n in numbers
    ]
    await asyncio.gather(*pending)


def metric(name: str, **labels: str) -> float:
    """What this process's `streams_live_<name>` says."""
    return REGISTRY.get_sample_value(f"streams_live_{name}", labels) or 0


def numbers(messages: list[dict[str, Any]]) -> list[int]:
    """What results carry."""
    return [message["value"]["n"] for message in messages]


def by_key(messages: list[dict[str, Any]]) -> Mapping[str, list[int]]:
    """The numbers of each key, as they came."""
    found: dict[str, list[int]] = {}
    for message in messages:
        found.setdefault(message["key"], []).append(message["value"]["n"])
    return found
