"""What a worker tells: dead letters, late records, metrics."""

import time
from collections.abc import Callable
from pathlib import Path

from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from streams import metrics
from tests.application import Application, Kafka
from tests.load import BEGIN
from tests.polling import until
from tests.worker import Worker

Name = Callable[[str], str]

GOOD = [(b"#good", BEGIN + 10)] * 6
END = (b"#end", BEGIN + 60_000)


def counts(worker: Worker, what: str, app: Application, n: int) -> bool:
    """Whether a metric comes to `n`; it is counted after the commit that makes records visible."""
    name = f"streams_{what}_total", app.input
    until(lambda: worker.metrics().get(name, 0) >= n, f"{what} are counted", more=worker.tail)
    return worker.metrics()[name] == n


def test_poison_goes_to_the_dead_letter_topic(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    began = time.time_ns() // 1_000_000
    # Further than the test lasts.
    ahead = began + 3_000_000
    poison = {
        "null value": (None, BEGIN + 1),
        "value is not UTF-8": (b"\xff\xfe", BEGIN + 2),
        "value longer than 10 bytes": (b"#" + b"x" * 100_000, BEGIN + 3),
        "timestamp too far ahead of the wall clock": (b"#ahead", ahead),
    }
    variables = {"STREAMS_MAX_VALUE_BYTES": "10", "STREAMS_MAX_AHEAD_SECONDS": "60"}
    with Application(kafka, unique("poison"), tmp_path, variables=variables) as app:
        app.use_shipped_timeouts()
        app.create_topics()
        app.write([[*poison.values(), *GOOD, END]])
        worker = app.worker().start()
        letters = app.until_written(app.dead_letters, len(poison))
        found = {dict(letter.headers)["reason"].decode(): letter for letter in letters}
        assert found.keys() == poison.keys()
        for offset, (reason, (value, timestamp)) in enumerate(poison.items()):
            letter = found[reason]
            assert letter.value == (value if value is None else value[: 64 * 1024])
            assert dict(letter.headers) == {
                "reason": reason.encode(),
                "topic": app.input.encode(),
                "partition": b"0",
                "offset": b"%d" % offset,
                "timestamp": b"%d" % timestamp,
            }
            assert began <= letter.timestamp <= time.time_ns() // 1_000_000
        assert counts(worker, "dead_letters", app, len(poison))
        assert app.finals_of(1) == {("#good", BEGIN): 6}


def test_late_records_go_to_the_late_topic(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    with Application(kafka, unique("late"), tmp_path) as app:
        app.use_shipped_timeouts()
        late = f"{app.app_id}-late"
        app.create_topics()
        app.write([[*GOOD, END, (b"#late", BEGIN)]])
        worker = app.worker(STREAMS_LATE_TOPIC=late).start()
        [record] = app.until_written(late, 1)
        assert (record.value, dict(record.headers)["reason"]) == (b"#late", b"late")
        assert counts(worker, "late_records", app, 1)
        assert app.finals_of(1) == {("#good", BEGIN): 6}


def test_metrics_and_health_of_a_worker_at_work(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    declared = {metric.name for metric in REGISTRY.collect() if metric.name.startswith("streams_")}
    assert len(declared) == sum(name.isupper() for name in vars(metrics))
    with Application(kafka, unique("metrics"), tmp_path) as app:
        # No session ends meanwhile, after which records would be counted once more.
        app.use_shipped_timeouts()
        app.create_topics()
        app.write([[*GOOD, END]])
        worker = app.worker().start().until_running(app.tasks)
        app.until_written(app.output_topic, 1)
        expected = {
            ("streams_records_in_total", app.input): len(GOOD) + 1,
            ("streams_records_out_total", app.output_topic): 1,
            ("streams_assigned_tasks", "running"): app.tasks,
            ("streams_open_windows", "0", "hashtag_counts"): 1,
        }
        # Some is counted only after the commit that makes records visible.
        until(
            lambda: expected.items() <= worker.metrics().items(),
            "all is counted",
            more=lambda: f"{worker.metrics()}\n{worker.tail()}",
        )
        status, body = worker.page("/metrics")
        assert status == 200
        assert declared <= {family.name for family in text_string_to_metric_families(body.decode())}

        status, health = worker.health()
        assert (status, health["status"]) == (200, "healthy")
        assert {(t["topic"], t["status"]) for t in health["tasks"]} == {
            (app.input, "running"),
            (app.partials, "running"),
        }
