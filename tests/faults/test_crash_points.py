"""Workers that die by SIGKILL at each named place of the protocol, under steady load."""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from streams import crash_points
from streams.state.changelog import BOOKKEEPING_KEY
from tests.application import Kafka
from tests.polling import until
from tests.reading import read_all
from tests.scene import Scene
from tests.worker import Worker

Name = Callable[[str], str]
#: How often each point is hit; the short run hasn't the time for more.
HITS = 2 if os.environ.get("TALLY_TEST_LONG") else 1
#: The first two calls of `revoke` belong to joining the group; the third closes open tasks.
REVOKE_WITH_TASKS = "at-revoke:3"


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_each_crash_point(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    """Beside a steady worker, another dies at each point, and comes back each time."""
    chunks = {"STREAMS_CLOSE_CHUNK": "3"}
    with Scene(kafka, unique("points"), tmp_path, variables=chunks) as scene:
        scene.worker("steady").start().until_running()
        points = [*crash_points.COUNTING] * HITS
        scene.random.shuffle(points)
        for point in points:
            die_at(scene, point)
        scene.finish()


def die_at(scene: Scene, point: str) -> None:
    victim = scene.worker("victim")
    if point == "at-revoke":
        victim.start(crash_at=REVOKE_WITH_TASKS)
        # The session of its predecessor may end by now, which is a rebalance, too.
        until(lambda: bool(victim.running()) or not victim.alive, "it runs", 120, victim.tail)
        visitor = scene.worker("visitor").start()
        victim.until_killed()
        visitor.kill()
    elif point == "in-restore":
        # It may have one store only, and that has little to read.
        victim.start(crash_at=f"{point}:1").until_killed()
    else:
        victim.start(crash_at=f"{point}:{scene.random.randint(1, 12)}").until_killed()
    print(f"died at {point}")


@pytest.mark.long
def test_replays_at_most_one_transaction(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    """With its disk intact, a killed worker has next to nothing to restore."""
    replayed: dict[str, dict[int, int]] = {}
    with Scene(kafka, unique("replay"), tmp_path) as scene:
        # No session ends meanwhile: tasks that are opened anew have nothing to restore.
        scene.use_shipped_timeouts()
        worker = scene.worker("only", STREAMS_INSTANCE_ID="only")
        for point in ("before-write-batch", "after-write-batch", "before-end"):
            worker.start(crash_at=f"{point}:20").until_killed()
            replayed[point] = restored(worker.start().until_running(scene.tasks))
            worker.kill()
        worker.start()
        scene.finish()
        limits = largest_transactions(scene.options, scene.changelog)
    print(f"replayed {replayed}, transactions hold up to {limits}")
    for records in replayed.values():
        assert all(records[partition] <= limit for partition, limit in limits.items())
    # The transaction was committed, but not yet on disk: it, and no other, comes back.
    assert any(replayed["before-write-batch"].values())


@pytest.mark.long
def test_the_next_owner_ends_an_open_transaction(
    kafka: Kafka, unique: Name, tmp_path: Path
) -> None:
    """Long before the broker would give it up: until it is ended, it holds up all readers."""
    patient = {"STREAMS_TRANSACTION_TIMEOUT_MS": "120000"}
    with Scene(kafka, unique("open"), tmp_path, variables=patient) as scene:
        scene.worker("one").start(crash_at="before-end:20").until_killed()
        scene.worker("next").start()
        scene.finals_grow()
        scene.finish()


def restored(worker: Worker) -> dict[int, int]:
    """Changelog records that the last restore of each partition replayed."""
    return {
        int(labels[0]): int(value)
        for (name, *labels), value in worker.metrics().items()
        if name == "streams_last_restore_records"
    }


def largest_transactions(options: Mapping[str, Any], changelog: str) -> dict[int, int]:
    """Records of the largest transaction of each partition: its bookkeeping ends each one."""
    largest = {}
    for partition, records in enumerate(asyncio.run(read_all(options, changelog))):
        ends = [i for i, record in enumerate(records, 1) if record.key == BOOKKEEPING_KEY]
        largest[partition] = max(b - a for a, b in zip([0, *ends], ends, strict=False))
    return largest
