"""SIGTERM at an awkward time."""

from collections.abc import Callable
from pathlib import Path

from tests.application import Application, Kafka
from tests.polling import until

Name = Callable[[str], str]


def test_a_worker_is_stopped_during_a_rebalance(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    """The rebalance waits for a frozen member meanwhile."""
    with Application(kafka, unique("stop"), tmp_path, partitions=2) as app:
        app.use_shipped_timeouts()
        app.create_topics()
        worker, frozen = app.worker("worker").start(), app.worker("frozen").start()
        worker.until_running(2)
        frozen.until_running(2)
        frozen.freeze()
        app.worker("third").start()
        until(lambda: not worker.running(), "the worker has handed over its partitions", 20)
        assert worker.stop() == 0, worker.tail()
        assert "Traceback" not in worker.said()
