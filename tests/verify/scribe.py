"""An application whose finals a test writes by hand, and `tally verify` run on it."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer

from tests import reference
from tests.application import Application, Finals
from tests.load import BEGIN, Row
from tests.worker import clean_environment

#: Makes names that no other test has; see the fixture `unique`.
Name = Callable[[str], str]
#: Of each partition, what is written to it.
Rows = list[list[Row]]

PARTITIONS = 2
WINDOW_MS = 20_000
#: Far after all others: closes their windows.
END: Row = (b"#end", BEGIN + 3_600_000)
#: "#a" and "#b" five times in each of ten windows, and once in a while a record that isn't counted.
ROWS: list[Row] = [
    (value, BEGIN + window * WINDOW_MS + i)
    for window in range(10)
    for i, value in enumerate([b"#a"] * 5 + [b" #B "] * 6 + [b"x", b"\xff", None, b"#rare"])
]
#: The same with nothing left open.
CLOSED: Rows = [[*ROWS, END], [END]]


class Scribe(Application):
    """See the module."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, partitions=PARTITIONS, **options)
        self.create_topics()

    def count(self, rows: Rows) -> Finals:
        """Write these to the input topic; the finals that they come to."""
        self.write(rows)
        return expected(rows)

    def publish(self, finals: Mapping[tuple[str, int], int] | Sequence[Any], **how: Any) -> None:
        """Write finals by hand, in the order of windows; items may repeat."""
        items = finals.items() if isinstance(finals, Mapping) else finals
        ordered = sorted(items, key=lambda item: item[0][1])
        asyncio.run(_publish(self.options, self.output_topic, ordered, **how))


def expected(rows: Rows) -> Finals:
    """The finals that rows come to with these tests' settings."""
    return reference.finals(rows, WINDOW_MS, 0, 4)


async def _publish(
    options: Mapping[str, Any], topic: str, finals: Sequence[Any], long: bool = False
) -> None:
    async with AIOKafkaProducer(**options) as producer:
        for (tag, start), count in finals:
            end = start + WINDOW_MS
            value = {"hashtag": tag, "count": count, "window_start": start, "window_end": end}
            raw = count.to_bytes(8, "big") if long else json.dumps(value).encode()
            await producer.send_and_wait(topic, raw, tag.encode(), timestamp_ms=end - 1)


def window(n: int) -> int:
    """The beginning of a window (epoch ms)."""
    return BEGIN + n * WINDOW_MS


def command(
    app: Application, *options: str, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `tally verify` on an application; finals that are missing aren't waited for."""
    return subprocess.run(
        [sys.executable, "-m", "streams.cli", "verify", "--wait", "0", *options],
        env={**clean_environment(), **app.variables, **(variables or {})},
        capture_output=True,
        text=True,
        timeout=180,
    )


def verify(app: Application, *options: str, **variables: str) -> tuple[int, dict[str, Any]]:
    """Exit code and report."""
    done = command(app, *options, "--json", variables=variables)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout) if done.stdout else {"error": done.stderr}


def kinds(report: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What is compared of each difference."""
    return [
        (d["kind"], d["hashtag"], d["window_start"], d["expected"], d["found"])
        for d in report["differences"]
    ]
