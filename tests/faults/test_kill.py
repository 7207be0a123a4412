"""kill -9 under steady load: every final exactly once, of either job."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.application import Kafka
from tests.polling import until
from tests.scene import Scene
from tests.ticker_scene import TickerScene
from tests.worker import Worker

Name = Callable[[str], str]
WORKERS = ("a", "b", "c")


def hurt(scene: Scene | TickerScene, how: str) -> None:
    """Let workers come, then kill, freeze or stop a random one of those that run."""
    for name in scene.random.sample(WORKERS, scene.random.randint(1, 3)):
        if not scene.worker(name).alive:
            scene.worker(name).start()
    victim = scene.random.choice([w for w in scene.workers.values() if w.alive])
    victim.until_running()
    scene.finals_grow(scene.random.randrange(1, 60))
    print(f"{how} {victim.name}")
    if how == "kill":
        victim.kill()
    elif how == "stop":
        assert victim.stop() == 0, victim.tail()
    else:
        freeze(scene, victim)


def freeze(scene: Scene | TickerScene, victim: Worker) -> None:
    """Freeze a worker until others have all its tasks, then let it go on."""
    # Never more workers than partitions: Faust's assignor would leave one without tasks.
    if not any(w.alive for w in scene.workers.values() if w is not victim):
        scene.worker("a" if victim.name != "a" else "b").start()
    others = [w for w in scene.workers.values() if w.alive and w is not victim]
    victim.freeze()
    until(
        lambda: sum(len(other.running()) for other in others) == scene.tasks,
        "others run all tasks",
        120,
        scene.tails,
    )
    victim.thaw()


def carry_on(scene: Scene | TickerScene) -> None:
    """See that a worker is there to do what is left, and check the finals."""
    if not scene.worker("a").alive:
        scene.worker("a").start()
    scene.finish()


@pytest.mark.long
@pytest.mark.parametrize("scene_of", [Scene, TickerScene])
def test_three_kills(
    kafka: Kafka, unique: Name, tmp_path: Path, scene_of: type[Scene] | type[TickerScene]
) -> None:
    with scene_of(kafka, unique("kill"), tmp_path) as scene:
        for _ in range(3):
            hurt(scene, "kill")
        carry_on(scene)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_twenty_kills_and_more(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    with Scene(kafka, unique("kill"), tmp_path) as scene:
        faults = ["kill"] * 20 + ["freeze"] * 5 + ["stop"] * 5
        scene.random.shuffle(faults)
        for how in faults:
            hurt(scene, how)
        carry_on(scene)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_kills_at_the_shipped_timeouts(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    with Scene(kafka, unique("kill"), tmp_path) as scene:
        scene.use_shipped_timeouts()
        for _ in range(3):
            hurt(scene, "kill")
        hurt(scene, "freeze")
        carry_on(scene)
