"""A peer that fails in all ways, and workers that are killed: nothing is skipped."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.application import Kafka
from tests.appsync.scripted import KEY, MISCHIEF, ScriptedPeer, out_of_order
from tests.load import Pace
from tests.polling import until
from tests.scene import Scene

Name = Callable[[str], str]

#: Half of the requests fail, in one way or another.
TROUBLED = {"ok": len(MISCHIEF), **dict.fromkeys(MISCHIEF, 1)}
PACE = Pace(rows=5, tick_seconds=0.1)
#: Seconds that the peer is down.
DOWN_SECONDS = 60.0
#: A stalled task would be reported within the time that the peer is down.
VARIABLES = {"STREAMS_STALL_SECONDS": "40"}


def until_more(peer: ScriptedPeer, scene: Scene, results: int = 20) -> None:
    """Wait until more results were accepted."""
    goal = len(peer.ids) + results
    until(lambda: len(peer.ids) >= goal, f"{results} more results", 90, scene.tails)


def kill(scene: Scene, name: str = "a") -> None:
    """kill -9, and start again."""
    scene.worker(name).kill()
    scene.worker(name).start()


def check(peer: ScriptedPeer, scene: Scene) -> None:
    """End the load; every final has to have come, under its own id, each key in order."""
    scene.finish()
    worker = scene.worker("a").start()
    records = {
        f"{scene.output_topic}-{r.partition}-{r.offset}": json.loads(r.value or b"")
        for r in scene.read(scene.output_topic)
    }
    until(lambda: records.keys() <= peer.ids, "all results", 120, scene.tails)
    print(f"{len(records)} results, {len(peer.arrivals)} accepted; {peer.happened}")
    assert peer.ids == records.keys()
    assert all(records[arrival.id] == arrival.value for arrival in peer.arrivals)
    assert out_of_order(peer.arrivals) == []
    assert worker.stop() == 0, worker.tail()
    letters = [dict(letter.headers) for letter in scene.read(scene.dead_letters)]
    assert not [h for h in letters if h["topic"] == scene.output_topic.encode()]
    for worker in scene.workers.values():
        assert KEY not in worker.log.read_text(encoding="utf-8")


@pytest.mark.long
@pytest.mark.timeout(900)
def test_kills_hand_overs_and_a_peer_that_is_down(
    kafka: Kafka, unique: Name, tmp_path: Path
) -> None:
    with ScriptedPeer() as peer:
        variables = {**peer.variables, **VARIABLES}
        with Scene(kafka, unique("sink"), tmp_path, pace=PACE, variables=variables) as scene:
            peer.mood = TROUBLED
            scene.worker("a").start()
            until_more(peer, scene, scene.random.randrange(1, 100))
            kill(scene)
            until_more(peer, scene, scene.random.randrange(1, 100))
            be_down_for_a_minute(peer, scene)
            until_more(peer, scene)
            # Partitions move while every delivery hangs: that has to hold up nobody.
            peer.mood = {"hang": 1}
            scene.worker("b").start().until_running(scene.tasks // 2)
            peer.mood = TROUBLED
            until_more(peer, scene)
            scene.worker("b").kill()
            until_more(peer, scene)
            until(lambda: peer.happened.keys() >= {*MISCHIEF}, "all mischief", 90, scene.tails)
            check(peer, scene)


def be_down_for_a_minute(peer: ScriptedPeer, scene: Scene) -> None:
    """Meanwhile the worker is killed a second time, and counts on."""
    begin = time.monotonic()
    peer.go_down()
    scene.finals_grow()
    kill(scene)
    worker = scene.worker("a")
    worker.until_running(scene.tasks + scene.partitions)
    scene.finals_grow()

    def is_over() -> bool:
        status, health = worker.health()
        assert status == 200, health
        return time.monotonic() >= begin + DOWN_SECONDS

    until(is_over, "the minute is over", DOWN_SECONDS + 60, worker.tail)
    assert worker.metrics()["streams_sink_retries_total", "connection", "appsync"] > 0
    assert "The results wait, and are sent again" in worker.said()
    peer.come_back()
