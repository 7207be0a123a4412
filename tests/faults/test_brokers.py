"""Brokers that die under load and come back."""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from deploy.local import LocalKafka
from tests.polling import until
from tests.scene import Scene
from tests.worker import Worker

Name = Callable[[str], str]


@pytest.fixture
def mortal_kafka() -> Iterator[LocalKafka]:
    with LocalKafka() as cluster:
        yield cluster


def answers(worker: Worker, status: int) -> bool:
    with contextlib.suppress(OSError):
        return worker.health()[0] == status
    return False


@pytest.mark.long
def test_the_only_broker_freezes_and_dies(
    mortal_kafka: LocalKafka, unique: Name, tmp_path: Path
) -> None:
    """Frozen: workers report that they get no further; then they recover by themselves."""
    variables = {"STREAMS_STALL_SECONDS": "2"}
    with Scene(mortal_kafka, unique("broker"), tmp_path, variables=variables) as scene:
        workers = [scene.worker(name).start() for name in ("a", "b")]
        [broker] = mortal_kafka.brokers
        for worker in workers:
            worker.until_running()  # one without tasks has nothing that could stall
        scene.finals_grow(scene.random.randrange(1, 60))
        broker.pause()
        for worker in workers:
            until(partial(answers, worker, 503), "a stalled worker says so", 60, worker.tail)
        broker.resume()
        for worker in workers:
            until(partial(answers, worker, 200), "it recovers", 90, worker.tail)
        scene.finals_grow(scene.random.randrange(1, 60))
        broker.kill()
        broker.start()
        scene.finals_grow()
        scene.finish()


@pytest.mark.long
@pytest.mark.timeout(900)
def test_each_of_three_brokers_dies_in_turn(unique: Name, tmp_path: Path) -> None:
    with (
        LocalKafka(brokers=3) as cluster,
        Scene(cluster, unique("three"), tmp_path, replicas=3) as scene,
    ):
        scene.worker("a").start()
        scene.worker("b").start()
        for broker in cluster.brokers:
            scene.finals_grow(scene.random.randrange(1, 60))
            broker.kill()
            # Two of three replicas are enough to go on.
            scene.finals_grow(60)
            broker.start()
        scene.finals_grow()
        scene.finish()
