"""Local state that is lost or damaged: the changelog has it all."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.application import Kafka
from tests.faults.test_crash_points import restored
from tests.scene import Scene
from tests.worker import Worker

Name = Callable[[str], str]


#: What is overwritten in the store of which partition.
DAMAGE = {0: "CURRENT", 1: "MANIFEST-*", 2: "*.sst"}


def test_a_wiped_data_folder(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    with Scene(kafka, unique("disk"), tmp_path) as scene:
        # No session ends meanwhile: tasks that are opened anew have nothing to restore.
        scene.use_shipped_timeouts()
        worker = scene.worker("only", STREAMS_INSTANCE_ID="only").start()
        scene.finals_grow(60)
        worker.kill()
        shutil.rmtree(worker.data)
        worker.start().until_running(scene.tasks)
        assert min(restored(worker).values()) > 0
        scene.finals_grow(30)
        scene.finish()


@pytest.mark.long
def test_damaged_stores(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    with Scene(kafka, unique("disk"), tmp_path) as scene:
        worker = scene.worker("only", STREAMS_INSTANCE_ID="only").start()
        scene.finals_grow(60)
        # Only a store that was closed in order, or opened again, has written its log to tables.
        worker.stop()
        worker.start().until_running(scene.tasks)
        worker.kill()
        for partition, pattern in DAMAGE.items():
            damage(worker, partition, pattern)
        worker.start()
        scene.finals_grow(30)
        worker.until_running(scene.tasks)
        for partition in DAMAGE:
            # At the latest when a window is closed whose counts can't be read.
            worker.until_said(f"hashtag_counts/{partition} is damaged")
        worker.until_running(scene.tasks)
        assert min(restored(worker).values()) > 0
        scene.finish()


def damage(worker: Worker, partition: int, pattern: str) -> None:
    """Overwrite the first half of all files of that name in the store of a partition."""
    files = [
        file
        for file in worker.data.rglob(pattern)
        if file.parent.name == str(partition) and file.stat().st_size
    ]
    assert files, f"the store has no {pattern}"
    for file in files:
        with file.open("r+b") as stream:
            stream.write(b"\xa5" * (file.stat().st_size // 2))
