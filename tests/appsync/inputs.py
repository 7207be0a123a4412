"""What goes in: hashtags in windows and their finals, or results written as a job would."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer

from tests.application import Application
from tests.load import Row

WINDOW_MS = 20_000


def rows(tags: int, windows: int) -> tuple[list[Row], set[tuple[str, int]]]:
    """One partition's rows, and the (hashtag, window start) of their finals, each of count 5."""
    made: list[Row] = []
    for window in range(windows):
        for tag in range(tags):
            made += [(f"#tag{tag}".encode(), window * WINDOW_MS + n) for n in range(5)]
    found = {(f"#tag{tag}", window * WINDOW_MS) for tag in range(tags) for window in range(windows)}
    return [*made, (b"#end", 10**10)], found


def write_results(app: Application, results: Sequence[tuple[bytes | None, bytes | None]]) -> None:
    """Write keys and values to partition 0 of the output topic."""

    async def send() -> None:
        async with AIOKafkaProducer(**app.options, max_request_size=2**20) as producer:
            for key, value in results:
                await producer.send_and_wait(app.output_topic, value, key, 0, 1_000)

    asyncio.run(send())
