"""Standbys under kill -9: the task goes to the worker that has its copy, which replays little."""

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.application import Kafka
from tests.faults.test_crash_points import restored
from tests.polling import until
from tests.scene import Scene
from tests.worker import Worker

Name = Callable[[str], str]

#: Of what the changelog holds, a take-over replays no more than this part.
LITTLE = 0.1


def with_standbys(kafka: Kafka, name: str, folder: Path, **options: str) -> Scene:
    # A session that ends by itself moves tasks, too.
    ours = {"STREAMS_STANDBYS": "1", "STREAMS_SESSION_TIMEOUT_MS": "4000"}
    return Scene(kafka, name, folder, variables={**ours, **options})


def counts_of(worker: Worker) -> set[int]:
    """Partitions of the count tasks that a worker runs."""
    return {int(tp.rpartition("-")[2]) for tp in worker.running() if "-repartition-" in tp}


def copies_of(worker: Worker) -> set[int]:
    """Partitions of which a worker has a standby that is up to date; none before it serves."""
    with contextlib.suppress(OSError):
        lags = {
            int(labels[0]): lag
            for (metric, *labels), lag in worker.metrics().items()
            if metric == "streams_standby_lag_records"
        }
        listed = {one["partition"] for one in worker.health()[1]["standbys"]}
        return {partition for partition, lag in lags.items() if lag == 0} & listed
    return set()


def until_settled(scene: Scene) -> None:
    """Wait until all workers have tasks, and every count task has an up-to-date standby."""
    alive = [worker for worker in scene.workers.values() if worker.alive]

    def settled() -> bool:
        run = [p for worker in alive for p in counts_of(worker)]
        copied = [p for worker in alive for p in copies_of(worker)]
        everything = list(range(scene.partitions))
        busy = all(worker.running() for worker in alive)
        return busy and sorted(run) == everything and sorted(set(copied)) == everything

    until(settled, "all standbys are up to date", 90, scene.tails)


def kill(scene: Scene, victim: Worker) -> None:
    """Kill a worker, and check that its tasks go to where their standbys are."""
    scene.finals_grow(60)
    written = len(scene.read(scene.changelog)) / scene.partitions
    # Right before the kill, for the copies follow, and may fall behind.
    until_settled(scene)
    lost = counts_of(victim)
    heirs = [worker for worker in scene.workers.values() if worker.alive and worker is not victim]
    copies = {heir.name: copies_of(heir) & lost for heir in heirs}
    victim.kill()
    until(
        lambda: all(copies[heir.name] <= counts_of(heir) for heir in heirs),
        f"the tasks of {victim.name} run at {copies}",
        120,
        scene.tails,
    )
    replayed = {p: restored(heir)[p] for heir in heirs for p in copies[heir.name]}
    print(f"{victim.name} was taken over by {copies}: {replayed} of {written:.0f} records each")
    assert replayed.keys() == lost
    assert all(records < LITTLE * written for records in replayed.values())


@pytest.mark.long
def test_two_workers_take_over_from_each_other(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    """The one that comes back has lost its disk, and becomes a standby again."""
    with with_standbys(kafka, unique("two"), tmp_path) as scene:
        one, other = scene.worker("one").start(), scene.worker("other").start()
        for victim in one, other:
            kill(scene, victim)
            shutil.rmtree(victim.data, ignore_errors=True)
            victim.start()
        until_settled(scene)
        scene.finish()


@pytest.mark.long
def test_of_three_workers_each_is_killed(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    with with_standbys(kafka, unique("three"), tmp_path) as scene:
        for name in "abc":
            scene.worker(name).start()
        for name in scene.random.sample("abc", 3):
            kill(scene, scene.worker(name))
            scene.worker(name).start()
        until_settled(scene)
        scene.finish()


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_twelve_kills_with_two_standbys(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    """More partitions than workers, disks that are kept or lost."""
    two = {"STREAMS_STANDBYS": "2"}
    with Scene(kafka, unique("many"), tmp_path, partitions=5, variables=two) as scene:
        for name in "abc":
            scene.worker(name).start()
        for _ in range(12):
            scene.finals_grow(scene.random.randrange(1, 60))
            victim = scene.worker(scene.random.choice("abc"))
            victim.kill()
            if scene.random.random() < 0.5:
                shutil.rmtree(victim.data, ignore_errors=True)
            scene.finals_grow(scene.random.randrange(1, 30))
            victim.start()
        until_settled(scene)
        scene.finish()
