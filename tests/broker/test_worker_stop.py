"""SIGTERM at an awkward time."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.application import Application, Kafka
from tests.polling import until

Name = Callable[[str], str]


@pytest.mark.long
def test_a_worker_is_stopped_during_a_rebalance(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    """The rebalance waits for a frozen member meanwhile."""
    patient = {
        "STREAMS_SESSION_TIMEOUT_MS": "90000",
        "STREAMS_REBALANCE_TIMEOUT_MS": "100000",
    }
    with Application(kafka, unique("stop"), tmp_path, partitions=2, variables=patient) as app:
        app.create_topics()
        worker, frozen = app.worker("worker").start(), app.worker("frozen").start()
        worker.until_running(2)
        frozen.until_running(2)
        frozen.freeze()
        app.worker("third").start()
        until(lambda: not worker.running(), "the worker has handed over its partitions", 60)
        worker.process.terminate()
        # It doesn't wait for the rebalance. Docker, for one, kills what has not ended after 10 s.
        assert worker.wait(9) == 0, worker.tail()
        assert "Traceback" not in worker.said()
