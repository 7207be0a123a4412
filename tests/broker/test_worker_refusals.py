"""What a worker refuses to start with, or a task to go on with: each named in its error."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.protocol.admin import DeleteGroupsRequest

from tests.application import Application, Kafka
from tests.load import BEGIN
from tests.polling import until
from tests.worker import Worker

Name = Callable[[str], str]


def refused(worker: Worker) -> str:
    """What a worker says that ends by itself, in order, with code 1."""
    code = worker.wait(90)
    assert code == 1, worker.tail()
    assert "Traceback" not in worker.said()
    return worker.said()


def worked_once(app: Application) -> Worker:
    """A worker that has counted and committed something, and was stopped."""
    app.create_topics()
    app.write([[(b"#a", BEGIN + i * 1000) for i in range(100)]] * app.partitions)
    worker = app.worker().start()
    app.until_written(app.output_topic, 4)
    assert worker.stop() == 0, worker.tail()
    return worker


def test_missing_topics_are_named(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    variables = {"STREAMS_CREATE_TOPICS": "false"}
    with Application(kafka, unique("none"), tmp_path, variables=variables) as app:
        said = refused(app.worker().start())
        for topic in (app.input, app.output_topic, app.dead_letters):
            assert repr(topic) in said
        assert "STREAMS_CREATE_TOPICS" in said


def test_a_changelog_of_other_partitions(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    with Application(kafka, unique("log"), tmp_path, partitions=2) as app:
        app.create_topics()
        app.create_topics(app.changelog, cleanup_policy="compact")
        app.variables["STREAMS_PARTITIONS"] = "3"
        said = refused(app.worker().start())
        assert f"{app.changelog} has 2 partitions, but {app.partials} has 3" in said


def test_a_changed_window(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    with Application(kafka, unique("window"), tmp_path) as app:
        worked_once(app)
        said = refused(app.worker("changed", STREAMS_WINDOW_SECONDS="10").start())
        assert "window_ms was 20000 and is now 10000" in said
        # Nothing was spoilt by the attempt.
        app.worker().start().until_running(app.tasks)


def test_lost_offsets_beside_a_filled_changelog(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    with Application(kafka, unique("lost"), tmp_path) as app:
        worker = worked_once(app)
        asyncio.run(delete_group(app.options, app.app_id))
        said = refused(worker.start())
        assert f"group {app.app_id} has no committed offset for {app.input}-0" in said


async def delete_group(options: Mapping[str, Any], group: str) -> None:
    """Forget a group and its offsets, as brokers do after `offsets.retention.minutes`."""
    admin = AIOKafkaAdminClient(**options)
    await admin.start()
    try:
        node = await admin.find_coordinator(group)
        response: Any = await admin._send_request_to_node(node, DeleteGroupsRequest([group]))
        assert [code for _, code in response.results] == [0], response
    finally:
        await admin.close()


def test_an_offset_that_is_no_longer_in_the_log(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    """Its task stops for good, says so, and the worker is not healthy: it doesn't skip ahead."""
    with Application(kafka, unique("gone"), tmp_path, partitions=2) as app:
        # No session ends meanwhile, after which the task would be tried, and fail, once more.
        app.use_shipped_timeouts()
        worker = worked_once(app)
        finals = len(app.read(app.output_topic))
        app.write([[(b"#a", BEGIN + 100_000)] * 50])
        asyncio.run(delete_records(app.options, TopicPartition(app.input, 0), 140))
        worker.start().until_running(3)

        def failed_tasks() -> list[dict[str, Any]]:
            return [t for t in worker.health()[1]["tasks"] if t["status"] == "failed"]

        until(lambda: bool(failed_tasks()), "a task stops for good", more=worker.tail)
        [failed] = failed_tasks()
        assert worker.health()[0] == 503
        assert (failed["topic"], failed["partition"]) == (app.input, 0)
        assert (
            "the committed offset 100 is outside of the log, which holds [140, 150)"
            in (failed["error"])
        )
        assert failed["error"] in worker.said()
        assert worker.metrics()["streams_task_failures_total", "OffsetLostError"] == 1
        assert len(app.read(app.output_topic)) == finals


async def delete_records(options: Mapping[str, Any], tp: TopicPartition, before: int) -> None:
    admin = AIOKafkaAdminClient(**options)
    await admin.start()
    try:
        await admin.delete_records({tp: RecordsToDelete(before_offset=before)})
    finally:
        await admin.close()
