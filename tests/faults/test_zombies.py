"""Workers that sleep through their session, and wake up as zombies."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.application import Kafka
from tests.polling import until
from tests.scene import Scene
from tests.worker import Worker

Name = Callable[[str], str]


@pytest.mark.long
def test_a_woken_zombie_rejoins_without_fencing_the_owner(
    kafka: Kafka, unique: Name, tmp_path: Path
) -> None:
    # None but the sleeper may lose its session.
    patient = {"STREAMS_SESSION_TIMEOUT_MS": "4000"}
    with Scene(kafka, unique("zombie"), tmp_path, variables=patient) as scene:
        sleeper, owner = scene.worker("sleeper").start(), scene.worker("owner").start()
        for _ in range(2):
            sleeper.until_running()
            owner.until_running()
            scene.finals_grow(scene.random.randrange(1, 40))
            sleeper.freeze()
            owner.until_running(scene.tasks)
            scene.finals_grow()
            sleeper.thaw()
            until(lambda: 0 < len(owner.running()) < scene.tasks, "they share the tasks")
            sleeper.until_running()
        scene.finals_grow()
        assert fenced(owner) == 0, owner.tail()
        scene.finish()


def fenced(worker: Worker) -> float:
    """How often a task of this worker was fenced."""
    return worker.metrics().get(("streams_task_failures_total", "FencedError"), 0)
