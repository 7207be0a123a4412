"""A job in a script of another framework, as a process to measure."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.targets import Job

START_SECONDS = 60.0
STOP_SECONDS = 20.0


@dataclass(frozen=True)
class Script:
    """`command` is run with the job in PEER_*; it prints "consuming" at the first record."""

    name: str
    command: list[str]
    settings: Mapping[str, str] = field(default_factory=dict)

    @asynccontextmanager
    async def start(
        self, kafka: Mapping[str, str], job: Job, folder: Path
    ) -> AsyncIterator[subprocess.Popen[bytes]]:
        """Start it and wait until it consumes; it is stopped at the end."""
        env = {
            **os.environ,
            **kafka,
            "PEER_APP": job.app,
            "PEER_INPUT": job.input,
            "PEER_OUTPUT": job.output,
            "PEER_WINDOW_MS": str(job.window_ms),
            "PEER_GRACE_MS": str(job.grace_ms),
            "PEER_PARTITIONS": str(job.partitions),
            "PEER_FOLDER": str(folder),
            **self.settings,
        }
        log = folder / "peer.log"
        process = await asyncio.to_thread(_spawn, self.command, env, log)
        try:
            await asyncio.to_thread(_wait_until_consuming, process, log)
            yield process
        finally:
            await asyncio.to_thread(_stop, process)


def _spawn(command: list[str], env: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        return subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait_until_consuming(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while "consuming" not in (said := log.read_text(errors="replace")):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"it doesn't consume:\n{said[-2000:]}")
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
