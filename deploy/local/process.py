"""Starts the processes of a local cluster."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.local import tether

LAST_LINES = 15
LAST_BYTES = 64 * 1024
# As Kafka's brokers and our own workers write it.
_ERROR = re.compile(r" ERROR |\[(ERROR|CRITICAL)\]|^tally: ")

# A process dies with the *thread* that started it (see tether.py), so one thread that lives as
# long as the interpreter starts them all: the caller's thread may end before its cluster does.
_starter = ThreadPoolExecutor(1, thread_name_prefix="local-kafka-starter")


def spawn(
    command: list[str], log: Path, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a program that dies with this one and adds all it says to ``log``.

    It gets a session of its own, so Ctrl-C in a terminal doesn't take it away from its clients.
    """
    starting = _starter.submit(_spawn, command, log, env)
    try:
        return starting.result()
    except KeyboardInterrupt:
        # Nobody else would know of it.
        starting.result().kill()
        raise


def _spawn(command: list[str], log: Path, env: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-ISs", tether.__file__, str(os.getpid()), *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=env,
        )


def last_words(log: Path) -> str:
    """The last error in a log, else its end: a failed start ends in pages of orderly shutdown."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LAST_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    errors = [number for number, line in enumerate(lines) if _ERROR.search(line)]
    first = errors[-1] if errors else -LAST_LINES
    return "\n".join(lines[first:][:LAST_LINES])
