"""`tally ingest` as a process of its own, and what it has published."""

import asyncio
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from producers.ingest.record import ID_HEADER, OVERHEAD
from tests.application import Kafka
from tests.polling import until
from tests.reading import Record, read_all
from tests.worker import Worker, clean_environment, free_port

TOKEN = "a-token-of-tests-0123"
NDJSON = "application/x-ndjson"
#: How long what has to happen may take on a busy machine.
SECONDS = 100.0
#: How long Kafka may take for what was read when the ingester is stopped.
STOP_SECONDS = 60


class Ingester(Worker):
    """A gateway that runs some sources; its topic is the application's input."""

    def __init__(
        self, kafka: Kafka, topic: str, folder: Path, *sources: str, **variables: str
    ) -> None:
        self.http_port = free_port()
        self.topic = topic
        self.options = kafka.client_options()
        self._command = [sys.executable, "-m", "streams.cli", "ingest", *sources]
        super().__init__(
            "ingester",
            folder,
            {
                **kafka.env(),
                "STREAMS_APP_ID": topic,
                "STREAMS_INPUT_TOPIC": topic,
                "STREAMS_INGEST_PORT": str(self.http_port),
                # A stop in order, however busy the machine is.
                "STREAMS_INGEST_STOP_SECONDS": str(STOP_SECONDS),
                **variables,
            },
        )

    def __enter__(self) -> "Ingester":
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def begin(self) -> None:
        """Start it, without waiting."""
        self.start(command=self._command)

    def until_serving(self) -> "Ingester":
        """Wait until it answers."""
        until(self.serves, "the ingester serves", SECONDS, self.tail)
        return self

    def serves(self) -> bool:
        """Whether it answers; fails if it has ended."""
        assert self.alive, self.tail()
        try:
            return self.health()[0] == 200
        except OSError:
            return False

    @property
    def url(self) -> str:
        """Its web server."""
        return f"http://127.0.0.1:{self.http_port}"

    def ask(
        self, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Status, JSON and headers of an answer; POSTs if there is a body."""
        request = urllib.request.Request(f"{self.url}{path}", body, dict(headers or {}))
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read()), dict(answer.headers)
        except urllib.error.HTTPError as exc:
            return exc.code, json.loads(exc.read()), dict(exc.headers)

    def post(
        self, body: Any, query: str = "", kind: str = "application/json", **headers: str
    ) -> tuple[int, Any]:
        """POST to its topic; what isn't bytes is sent as JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        status, answer, _ = self.ask(
            f"/topics/{self.topic}{query}", raw, {"Content-Type": kind, **named}
        )
        return status, answer

    def health(self) -> tuple[int, dict[str, Any]]:
        """Status and content of `/health`."""
        status, body, _ = self.ask("/health")
        return status, body

    def wait(self, seconds: float = SECONDS) -> int:
        """The exit code, once it has ended."""
        return super().wait(seconds)

    def holds(self, records: int) -> bool:
        """Whether it has taken so many records that Kafka hasn't acknowledged."""
        assert self.alive, self.tail()
        try:
            return bool(self.health()[1]["buffer_bytes"] >= records * OVERHEAD)
        except OSError:  # its sources may read before it serves
            return False

    def records(self, topic: str = "") -> list[Record]:
        """All that is in its topic, or in another one."""
        parts = asyncio.run(read_all(self.options, topic or self.topic))
        return [record for part in parts for record in part]

    def dead_letters(self) -> list[Record]:
        """What it has set aside."""
        return self.records(f"{self.topic}-dead-letters")

    def until_published(self, n: int, seconds: float = SECONDS) -> list[Record]:
        """The topic's records, once there are at least n."""
        found: list[Record] = []

        def enough() -> bool:
            found[:] = self.records()
            return len(found) >= n

        until(enough, f"{n} records", seconds, lambda: f"{len(found)}\n{self.tail()}")
        return found


def pipe(kafka: Kafka, topic: str, **variables: str) -> "subprocess.Popen[bytes]":
    """`… | tally ingest stdin`, with what it logs in `stdout`; a context."""
    return subprocess.Popen(
        [sys.executable, "-m", "streams.cli", "ingest", "stdin"],
        env={
            **clean_environment(),
            **kafka.env(),
            "STREAMS_APP_ID": topic,
            "STREAMS_INPUT_TOPIC": topic,
            **variables,
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def piped(kafka: Kafka, topic: str, lines: bytes, **variables: str) -> tuple[int, str]:
    """Its exit code and what it has logged, once it has read all lines."""
    with pipe(kafka, topic, **variables) as process:
        said, _ = process.communicate(lines, timeout=100)
    return process.returncode, said.decode()


def identities(records: list[Record]) -> list[str]:
    """Their headers `ingest-id`."""
    return [
        value.decode() for record in records for name, value in record.headers if name == ID_HEADER
    ]
