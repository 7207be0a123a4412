"""The image does the main job as a user without rights, on a root that can't be written."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from deploy.local import LocalKafka
from deploy.local.ports import HOST
from tests.application import Application, Kafka
from tests.container.container import STOP_SECONDS, Container
from tests.container.image import Image
from tests.polling import until

Name = Callable[[str], str]

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

#: Megabytes that the image adds to its base; Arrow alone, which writes Parquet, has 170.
MAX_MB = 400
#: How long what has to happen may take on a busy machine.
SECONDS = 150.0


class Composed(Application):
    """An application all of whose processes are containers of the image."""

    def __init__(self, image: Image, kafka: Kafka, name: str, folder: Path) -> None:
        variables = {
            "STREAMS_WINDOW_SECONDS": "2",
            # Longer than a producer may be held up, or its records would be late.
            "STREAMS_WINDOW_IDLE_SECONDS": "20",
            "STREAMS_LOG_FINALS": "false",
        }
        super().__init__(kafka, name, folder, partitions=2, variables=variables)
        self._image = image

    def container(self, name: str, *command: str, **variables: str) -> Container:
        """A new one; it ends with this application."""
        container = Container(
            self._image, name, self._folder, {**self.variables, **variables}, *command
        )
        self.workers[name] = container
        return container


@pytest.fixture
def composed(image: Image, kafka: Kafka, unique: Name, tmp_path: Path) -> Iterator[Composed]:
    with Composed(image, kafka, unique("image"), tmp_path) as application:
        yield application


def test_it_is_small_and_has_no_tools_to_build_with(image: Image) -> None:
    ours = image.root / "opt/tally"
    megabytes = sum(f.lstat().st_size for f in ours.rglob("*") if not f.is_dir()) / 1e6
    print(f"{image.way}; /opt/tally has {megabytes:.0f} MB")
    assert megabytes < MAX_MB
    assert not list(ours.glob("bin/pip*"))
    assert not (image.root / "usr/bin/gcc").exists()
    assert not list(image.root.glob("src/*"))
    assert list(ours.glob("lib/python3*/site-packages/streams/compiled.*.so"))


def test_it_has_no_rights(image: Image, composed: Composed) -> None:
    assert image.user == "10001:10001"
    assert image.volumes == ["/data"]
    assert image.stop_signal == "SIGTERM"
    container = composed.container("anything")
    assert container.call("id", "-u")[1] == "10001\n"
    for folder in ("/", "/opt/tally", "/tmp", "/etc", "/home"):
        code, said = container.call("touch", f"{folder}/new")
        assert code, folder
        assert "Read-only file system" in said
    assert container.call("touch", "/data/new")[0] == 0
    status = container.call("cat", "/proc/self/status")[1]
    assert "NoNewPrivs:\t1" in status
    assert "CapEff:\t0000000000000000" in status


def test_it_counts_serves_and_verifies(composed: Composed) -> None:
    past = "tally-produce simulate --count 20000 --rate 500 --speed 0 --seed 3 --tags 50".split()
    producer = composed.container("producer", *past, "--start", "2025-11-13T02:00:00Z")
    assert producer.start().wait(SECONDS) == 0, producer.tail()
    workers = [composed.container(name).start() for name in ("one", "two")]
    gateway = composed.container("gateway", "tally", "gateway").start()
    ingest = composed.container("ingest", "tally", "ingest", "http").start()
    serving = (*workers, gateway, ingest)
    for container in serving:
        until(partial(healthy, container), f"{container.name} is healthy", SECONDS, container.tail)
    for worker in workers:
        worker.until_running(seconds=SECONDS)
        assert "installed without a C compiler" not in worker.said()
        assert list(worker.data.rglob("CURRENT")), "the state isn't on the volume"
    with connect(f"ws://{HOST}:{gateway.port}/ws?hashtag=*", open_timeout=SECONDS) as client:
        assert json.loads(client.recv(SECONDS))["type"] == "subscribed"
        now = "tally-produce simulate --duration 8s --rate 500 --seed 4 --tags 50".split()
        assert composed.container("more", *now).start().wait(SECONDS) == 0
        assert json.loads(client.recv(SECONDS))["value"]["count"] > 4
    code, said = workers[0].call("tally", "verify", "--wait", "60")
    assert code == 0, said + composed.tails()
    for container in serving:
        assert container.stop() == 0, container.tail()
        assert not healthy(container)
    code, said = workers[0].call("tally", "reset", "--to", "beginning", "--execute")
    assert (code, said.splitlines()[-1]) == (0, "Done: workers may start."), said


def healthy(container: Container) -> bool:
    """What the image's own health check says."""
    code, _ = container.call(*container.image.health)
    return code == 0


def test_all_drain_on_sigterm(composed: Composed) -> None:
    """Nothing is left open: neither a transaction nor a place in the group."""
    patient = {"STREAMS_SESSION_TIMEOUT_MS": "300000", "STREAMS_REBALANCE_TIMEOUT_MS": "310000"}
    producer = composed.container("producer", "tally-produce", "simulate", "--rate", "2000")
    producer.start()
    one, two = (composed.container(name, **patient).start() for name in ("one", "two"))
    gateway = composed.container("gateway", "tally", "gateway").start()
    for worker in (one, two):
        worker.until_running(2, SECONDS)
    until(lambda: healthy(gateway), "the gateway is healthy", SECONDS, gateway.tail)
    composed.until_written(composed.output_topic, 10, SECONDS)
    with connect(f"ws://{HOST}:{gateway.port}/ws?hashtag=*", open_timeout=SECONDS) as client:
        client.recv(SECONDS)
        assert gateway.stop() == 0, gateway.tail()
        with contextlib.suppress(ConnectionClosed):
            while True:
                client.recv(SECONDS)
        assert client.close_code == 1001
    assert one.stop() == 0, one.tail()
    # Long before the session's end: it has left the group.
    two.until_running(composed.tasks, SECONDS)
    assert producer.stop() == 0, producer.tail()
    assert "hashtags" in producer.said()
    assert two.stop() == 0, two.tail()
    for container in (one, two, producer, gateway):
        assert "Traceback" not in container.said()
    one.start().until_running(composed.tasks, SECONDS)
    code, said = one.call("tally", "verify", "--wait", "60")
    assert code == 0, said + composed.tails()


def test_sigterm_while_the_broker_is_frozen(image: Image, unique: Name, tmp_path: Path) -> None:
    """Each ends in time all the same; what it had open is the broker's to abort."""
    with LocalKafka() as kafka, Composed(image, kafka, unique("frozen"), tmp_path) as composed:
        composed.create_topics()
        containers = [
            composed.container("worker").start(),
            composed.container("gateway", "tally", "gateway").start(),
            composed.container("producer", "tally-produce", "simulate").start(),
        ]
        composed.workers["worker"].until_running(composed.tasks, SECONDS)
        composed.until_written(composed.output_topic, 1, SECONDS)
        [broker] = kafka.brokers
        broker.pause()
        for container in containers:
            began = time.monotonic()
            container.stop()
            print(f"{container.name} took {time.monotonic() - began:.1f} of {STOP_SECONDS:g} s")
        broker.resume()
