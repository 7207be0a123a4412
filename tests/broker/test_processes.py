"""`tally worker --processes N` with real processes on a real broker."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

from deploy.local import ExternalKafka, LocalKafka
from deploy.local.ports import HOST, accepts_connections
from tests.polling import until
from tests.worker import clean_environment, free_port

TASKS = 6


def running_tasks(port: int) -> int:
    """How many tasks the worker at `port` runs; 0 while it doesn't answer."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=20) as answer:
            tasks = json.load(answer)["tasks"]
    except (OSError, HTTPException):  # it may be killed as it answers
        return 0
    return sum(task["status"] == "running" for task in tasks)


def shared(port: int) -> bool:
    """Whether the workers at `port` and the next run all tasks, each of them some."""
    running = [running_tasks(port), running_tasks(port + 1)]
    return min(running) > 0 and sum(running) == TASKS


def exists(pid: int) -> bool:
    """Whether the process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def pids_in(log: Path) -> list[int]:
    """The processes that were started, in their order."""
    return [int(pid) for pid in re.findall(r"runs as process (\d+)", log.read_text())]


def test_workers_share_the_tasks_a_dead_one_comes_back_and_all_stop(
    kafka: LocalKafka | ExternalKafka, unique: Callable[[str], str], tmp_path: Path
) -> None:
    # The second process takes the port behind the first one's.
    port = next(port for port in iter(free_port, 0) if not accepts_connections(port + 1))
    log = tmp_path / "parent.log"
    environ = {
        **clean_environment(),
        **kafka.env(),
        "STREAMS_APP_ID": unique("app"),
        "STREAMS_INPUT_TOPIC": unique("in"),
        "STREAMS_OUTPUT_TOPIC": unique("out"),
        "STREAMS_DATA_DIR": str(tmp_path / "data"),
        "STREAMS_WEB_PORT": str(port),
    }
    command = [sys.executable, "-m", "streams.cli", "worker", "--processes", "2"]
    with log.open("wb") as output:
        parent = subprocess.Popen(command, env=environ, stdout=output, stderr=output)
    try:
        until(lambda: shared(port), "both have tasks", 120)
        os.kill(pids_in(log)[1], signal.SIGKILL)
        until(lambda: len(pids_in(log)) == 3, "the dead worker is started again")
        until(lambda: shared(port), "both have tasks again", 120)
    finally:
        parent.terminate()
        assert parent.wait(60) == 0
    assert not any(exists(pid) for pid in pids_in(log))
    assert (tmp_path / "data" / "worker-1" / "worker.log").stat().st_size > 0
