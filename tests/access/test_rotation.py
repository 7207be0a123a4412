"""Who we are changes while a worker counts and a producer writes: nothing is lost, or restarted.

The broker hangs up on every client some seconds after its login, so all of them log in again and
again: the consumer, the tasks' producers, the look-ups, and the load itself.
"""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.access.cluster import LOGIN_MS, Listener, Secured, replace
from tests.access.producing import producing
from tests.polling import until
from tests.scene import Scene

Name = Callable[[str], str]

pytestmark = pytest.mark.long


def count_on(scene: Scene, changes: Callable[[], None]) -> str:
    """Run a worker while `changes` happen, and check every final; returns what it said."""
    with scene:
        worker = scene.worker().start()
        scene.finals_grow()
        changes()
        scene.finals_grow()
        scene.finish()
        said = worker.said()
        assert "Traceback" not in said, worker.tail()
        return said


def test_passwords_change(secured: Secured, unique: Name, tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    passwords = [f"canary-number-{n}" for n in range(3)]

    def change_to(password: str) -> None:
        secured.set_password("counter", password)
        replace(file, json.dumps({"username": "counter", "password": password}))

    change_to(passwords[0])
    way = secured.variables("SCRAM", KAFKA_SASL_CREDENTIALS_FILE=str(file))

    def changes() -> None:
        for password in passwords[1:]:
            change_to(password)
            time.sleep(1.5 * LOGIN_MS / 1000)  # by then the broker has hung up on all of them
            scene.finals_grow()

    listener = Listener(secured.kafka, way)
    scene = listener.scene(unique("app"), tmp_path)
    with producing(way, listener.client_options(), unique("made-up"), tmp_path):
        said = count_on(scene, changes)
    assert not [password for password in passwords if password in said]


def test_tokens_expire(secured: Secured, unique: Name, tmp_path: Path) -> None:
    """Each token lives for less than the run, so all that goes on has taken a later one."""
    file = tmp_path / "token"
    life_s = 15
    issued: list[str] = []
    stop = threading.Event()

    def issue() -> None:
        while not stop.is_set():
            issued.append(secured.issuer.token(life_s))
            replace(file, issued[-1])
            # Whoever reads one has most of its life to come in with it.
            stop.wait(2)

    issuing = threading.Thread(target=issue)
    issuing.start()
    try:
        until(file.exists, "a token")
        way = secured.variables(
            "OAUTH", KAFKA_SASL_MECHANISM="OAUTHBEARER", KAFKA_SASL_TOKEN_FILE=str(file)
        )
        scene = Listener(secured.kafka, way).scene(unique("app"), tmp_path)

        def changes() -> None:
            before = len(issued)
            until(lambda: len(issued) > before + life_s // 2 + 1, "later tokens")

        said = count_on(scene, changes)
    finally:
        stop.set()
        issuing.join()
    assert not [token for token in issued if token in said]
