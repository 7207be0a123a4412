"""What is measured: a target runs a job, in one process or several."""

import uuid
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

from benchmarks.topics import PARTITIONS


class Job(NamedTuple):
    """Counting hashtags, as an application of its own."""

    app: str
    input: str
    window_ms: int
    grace_ms: int
    partitions: int = PARTITIONS
    #: Worker processes, or stream threads.
    workers: int = 1

    @property
    def output(self) -> str:
        """The topic for the finals; its name begins with that of the application."""
        return f"{self.app}-output"


def new_app() -> str:
    """A name that no other run has."""
    return f"bench-{uuid.uuid4().hex[:8]}"


class Running(Protocol):
    """A target that is prepared, but doesn't consume yet."""

    @property
    def started_at(self) -> float:
        """When `begin` was called (monotonic seconds)."""

    async def begin(self) -> None:
        """Return when it begins to consume."""

    async def wait_until_all_run(self) -> None:
        """Return when all tasks have what they need and run."""

    def pids(self) -> list[int]:
        """Its processes; raises RuntimeError if it has ended."""

    def kill(self) -> None:
        """End it at once, as a crash would."""


class Target(Protocol):
    """Something that can run the job."""

    @property
    def name(self) -> str:
        """As it stands in tables."""

    def start(
        self, kafka: Mapping[str, str], job: Job, folder: Path
    ) -> AbstractAsyncContextManager[Running]:
        """Prepare it, with `folder` for its state and logs; it is stopped at the end."""
