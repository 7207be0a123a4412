"""Peers that we did not write: ministack's AWS, Debian's mosquitto."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import LocalKafka
from deploy.local.ports import accepts_connections
from tests.appsync.ministack import Ministack, run_ministack
from tests.appsync.processes import Process
from tests.polling import until
from tests.worker import free_port


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    """AWS on loopback."""
    with run_ministack(tmp_path_factory.mktemp("ministack")) as peer:
        yield peer


@pytest.fixture(scope="session")
def mortal_kafka() -> Iterator[LocalKafka]:
    """A broker that tests may kill and freeze, and have to leave running."""
    with LocalKafka() as cluster:
        yield cluster


class Mosquitto:
    """A broker on loopback."""

    def __init__(self, folder: Path, program: str) -> None:
        self.port = free_port()
        self._folder = folder
        config = folder / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\n"
            # Without a change of user it dies with the tests, whatever ends them.
            f"user root\nmax_queued_messages 0\nmax_inflight_messages 500\nlog_type error\n"
        )
        self._command = [program, "-c", str(config)]

    @property
    def url(self) -> str:
        """As the source is told of it."""
        return f"mqtt://127.0.0.1:{self.port}"

    def process(self) -> Process:
        """The broker's process: a context."""
        return Process(f"mosquitto-{time.monotonic_ns()}", self._folder, self._command, {})


@pytest.fixture(scope="session")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """One broker for all tests; each uses topics and client ids of its own."""
    # Debian puts it where only root's path leads.
    program = shutil.which("mosquitto", path="/usr/bin:/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("needs mosquitto (Debian: apt-get install mosquitto)")
    peer = Mosquitto(tmp_path_factory.mktemp("mosquitto"), program)
    with peer.process() as process:
        until(lambda: accepts_connections(peer.port), "mosquitto serves", 120, process.tail)
        yield peer
