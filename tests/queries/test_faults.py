"""While workers are killed, frozen and stopped, answers are right, or there are none."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.application import Kafka
from tests.load import Pace
from tests.polling import until
from tests.queries.witness import Witnesses, truth_of, wrong
from tests.scene import Scene
from tests.worker import Worker

Name = Callable[[str], str]
Fault = Callable[[Scene, Witnesses, Worker], None]

NAMES = ("a", "b", "c")
TAGS = ["#tag00", "#tag01", "#tag02", "#tag03", "#tag04", "#tag05"]
#: A window lasts two seconds, as long in the load's time as in ours.
PACE = Pace(step_ms=20, late_ms=1_000)


def all_tell(scene: Scene, witnesses: Witnesses, but: Worker | None = None) -> None:
    """Wait until every worker that runs, `but` one, tells every hashtag."""
    now = time.time()
    for worker in scene.workers.values():
        if worker.alive and worker is not but:
            until(
                partial(witnesses.answered_since, now, worker.name),
                f"{worker.name} tells all again",
                60,
                scene.tails,
            )


def others_run_all(scene: Scene, victim: Worker) -> None:
    others = [w for w in scene.workers.values() if w.alive and w is not victim]
    until(
        lambda: sum(len(other.running()) for other in others) == scene.tasks,
        "others run all tasks",
        120,
        scene.tails,
    )


def kill(scene: Scene, _witnesses: Witnesses, victim: Worker) -> None:
    victim.kill()
    others_run_all(scene, victim)
    victim.start()


def freeze(scene: Scene, witnesses: Witnesses, victim: Worker) -> None:
    """When it wakes up, it takes itself for the owner of what others have counted on."""
    victim.freeze()
    others_run_all(scene, victim)
    all_tell(scene, witnesses, but=victim)
    witnesses.ask(victim.name)
    victim.thaw()


def stop(_scene: Scene, _witnesses: Witnesses, victim: Worker) -> None:
    assert victim.stop() == 0, victim.tail()
    victim.start()


FAULTS: list[Fault] = [kill, stop, freeze, kill, freeze, stop, freeze, kill]


@pytest.mark.long
@pytest.mark.timeout(900)
def test_no_answer_is_wrong(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    with Scene(kafka, unique("ask"), tmp_path, pace=PACE) as scene:
        for name in NAMES:
            scene.worker(name).start()
        until(
            lambda: sum(len(w.running()) for w in scene.workers.values()) == scene.tasks,
            "all tasks run",
            120,
            scene.tails,
        )
        with Witnesses(scene.workers, TAGS, scene.seed) as witnesses:
            all_tell(scene, witnesses)
            for fault in FAULTS:
                victim = scene.worker(scene.random.choice(NAMES))
                print(f"{fault.__name__} {victim.name}")
                fault(scene, witnesses, victim)
                all_tell(scene, witnesses)
        statuses = witnesses.statuses()
        print(f"answers: {dict(statuses)}, none: {witnesses.unanswered}")
        assert set(statuses) <= {200, 503}
        assert statuses[200] > 100
        truth = truth_of(scene.read(scene.changelog))
        assert not wrong(witnesses.answers, truth)
        scene.finish()
