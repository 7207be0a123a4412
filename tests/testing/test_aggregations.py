"""A third aggregation is a few lines."""

import struct
from typing import Any

from streams.core.aggregating import Event, Events
from streams.core.aggregation import VERSION, Aggregation, Place
from streams.core.windows import TumblingWindows
from streams.settings import Settings
from streams.tasks.batch import Batches
from streams.testing import TestDriver
from streams.transport.app import StreamsApp

MEAN = struct.Struct(">Bqq")


class Mean(Aggregation[tuple[int, int]]):
    """The mean of whole numbers."""

    name, size, zero = "mean", MEAN.size, (0, 0)

    def add(self, accumulator: tuple[int, int], value: Any, place: Place) -> tuple[int, int]:  # noqa: ARG002
        return accumulator[0] + value, accumulator[1] + 1

    def merge(self, one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
        return one[0] + other[0], one[1] + other[1]

    def encode(self, accumulator: tuple[int, int]) -> bytes:
        return MEAN.pack(VERSION, *accumulator)

    def decode(self, data: bytes) -> tuple[int, int]:
        _, total, number = MEAN.unpack(data)
        return total, number

    def emit(self, accumulator: tuple[int, int]) -> float:
        return accumulator[0] / accumulator[1]


def read(raw: bytes) -> Event:
    """`key time value`"""
    key, time, value = raw.split()
    return Event(key, int(time), int(value))


def means() -> StreamsApp:
    app = StreamsApp(Settings(app_id="means"))
    table = app.windowed_aggregate(
        "means",
        source="in",
        windows=TumblingWindows(10),
        selection="",
        aggregation=Mean(),
        events=Events(read),
    )

    @app.batch_agent("in", name="add")
    async def add(batches: Batches) -> None:
        async for batch in batches:
            table.add(batch)

    @app.batch_agent(table.partials, name="emit", sends_to=["out"])
    async def emit(batches: Batches) -> None:
        async for batch in batches:
            table.merge(batch)
            for final in table.finals(batch):
                value = str(final.value).encode()
                batch.send("out", key=final.key, value=value, timestamp=final.timestamp)

    return app


def test_means() -> None:
    partitions = {"in": 2, "means-means-repartition": 2}
    with TestDriver(means(), partitions=partitions, fetch_records=2) as driver:
        for partition in (0, 1):
            for raw in (b"a 1 10", b"b 2 7", b"a 3 20", b"a 11 5", b"b 25 1"):
                driver.produce("in", raw, 0, partition=partition)
            driver.run_until_idle()
        driver.restart_worker(0, disk="empty")
        driver.run_until_idle()
        found = {(r.key, r.timestamp): r.value for r in driver.read_output("out")}
        assert found == {(b"a", 9): b"15.0", (b"b", 9): b"7.0", (b"a", 19): b"5.0"}
