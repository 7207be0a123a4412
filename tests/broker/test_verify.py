"""`tally verify` against a real broker: it finds what is wrong, and nothing where nothing is."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from deploy.local import LocalKafka
from tests import reference
from tests.application import Application, Finals, Kafka
from tests.load import BEGIN, Row
from tests.scene import Scene
from tests.worker import clean_environment

Name = Callable[[str], str]

WINDOW_MS = 20_000
#: Far after all others: closes their windows.
END = (b"#end", BEGIN + 3_600_000)
#: "#a" and "#b" five times in each of ten windows, and once in a while a record that isn't counted.
ROWS: list[Row] = [
    (value, BEGIN + window * WINDOW_MS + i)
    for window in range(10)
    for i, value in enumerate([b"#a"] * 5 + [b" #B "] * 6 + [b"x", b"\xff", None, b"#rare"])
]
PARTITIONS = 2


class Scribe(Application):
    """An application whose finals the test itself writes."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, partitions=PARTITIONS, **options)
        self.create_topics()

    def expected(self, rows: Sequence[Sequence[Row]]) -> Finals:
        return reference.finals(rows, WINDOW_MS, 0, 4)

    def publish(self, finals: Mapping[tuple[str, int], int] | Sequence[Any], **how: Any) -> None:
        """Write finals by hand, in the order of windows; items may repeat."""
        items = finals.items() if isinstance(finals, Mapping) else finals
        asyncio.run(
            publish(self.options, self.output_topic, sorted(items, key=lambda i: i[0][1]), **how)
        )

    def verify(self, *options: str, wait: int = 0, **variables: str) -> tuple[int, dict[str, Any]]:
        """Exit code and report."""
        done = self.command(*options, "--json", wait=wait, **variables)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, json.loads(done.stdout) if done.stdout else {"error": done.stderr}

    def command(
        self, *options: str, wait: int = 0, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "streams.cli", "verify", "--wait", str(wait), *options],
            env={**clean_environment(), **self.variables, **variables},
            capture_output=True,
            text=True,
            timeout=60,
        )


async def publish(
    options: Mapping[str, Any], topic: str, finals: Sequence[Any], long: bool = False
) -> None:
    async with AIOKafkaProducer(**options) as producer:
        for (tag, start), count in finals:
            end = start + WINDOW_MS
            value = {"hashtag": tag, "count": count, "window_start": start, "window_end": end}
            raw = count.to_bytes(8, "big") if long else json.dumps(value).encode()
            await producer.send_and_wait(topic, raw, tag.encode(), timestamp_ms=end - 1)


@pytest.fixture
def app(kafka: Kafka, unique: Name, tmp_path: Path) -> Scribe:
    return Scribe(kafka, unique("verify"), tmp_path)


def window(n: int) -> int:
    return BEGIN + n * WINDOW_MS


def kinds(report: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (d["kind"], d["hashtag"], d["window_start"], d["expected"], d["found"])
        for d in report["differences"]
    ]


def test_equal(app: Scribe) -> None:
    rows = [[*ROWS, END], [*ROWS[:50], END]]
    app.write(rows)
    app.publish(app.expected(rows))
    code, report = app.verify()
    assert (code, report["result"]) == (0, "equal"), report
    assert report["finals"] == {"expected": 20, "found": 20}
    assert report["windows"]["closed_by_input"] == 10
    assert report["records"] == len(rows[0]) + len(rows[1])
    assert report["differences"] == []


def test_each_difference_is_named(app: Scribe) -> None:
    rows = [[*ROWS, END], [END]]
    app.write(rows)
    finals = app.expected(rows)
    del finals["#a", window(1)]
    finals["#a", window(2)] = 6
    finals["#rare", window(3)] = 7
    app.publish([*finals.items(), (("#b", window(4)), 6), (("#b", window(2)), 6)])
    code, report = app.verify()
    assert code == 1
    assert sorted(kinds(report)) == [
        ("different", "#a", "2020-09-13T12:27:20Z", 5, 6),
        ("extra", "#rare", "2020-09-13T12:27:40Z", None, 7),
        ("missing", "#a", "2020-09-13T12:27:00Z", 5, None),
        ("repeated", "#b", "2020-09-13T12:27:20Z", None, 6),
        ("repeated", "#b", "2020-09-13T12:28:00Z", None, 6),
    ]
    assert report["counts"] == {"missing": 1, "different": 1, "repeated": 2, "extra": 1}
    told = app.command().stdout
    assert 'missing    2020-09-13T12:27:00Z - 2020-09-13T12:27:20Z  "#a": expected 5' in told
    assert '"#a": expected 5, found 6 (partition ' in told


def test_one_of_each_kind_is_enough(app: Scribe) -> None:
    """The negative control of `test_equal`, with one thing wrong at a time, range by range."""
    rows = [[*ROWS, END], [END]]
    app.write(rows)
    finals = app.expected(rows)
    del finals["#b", window(7)]
    app.publish(finals)
    assert app.verify("--to", str(window(7)))[0] == 0
    assert app.verify("--from", str(window(8)))[0] == 0
    code, report = app.verify("--from", "2020-09-13T12:29:00", "--to", "2020-09-13T14:29:20+02:00")
    assert code == 1
    assert kinds(report) == [("missing", "#b", "2020-09-13T12:29:00Z", 6, None)]
    assert report["finals"] == {"expected": 2, "found": 1}


def test_a_range_reads_no_more_than_it_needs(app: Scribe) -> None:
    # More than a fetch brings, so that the end shows too.
    rows: list[Row] = [(b"#" * 3_000, window(0) + i * WINDOW_MS // 10) for i in range(1_000)]
    app.write([rows, rows])
    _, report = app.verify("--from", str(window(10)), "--to", str(window(11)))
    assert 0 < report["records"] < len(rows)
    assert report["windows"]["closed_by_input"] == 1


def test_many_differences_are_cut_short(app: Scribe) -> None:
    rows = [[(f"#t{i % 30}".encode(), BEGIN + i) for i in range(150)] + [END], [END]]
    app.write(rows)
    code, report = app.verify()
    assert (code, report["counts"]["missing"], len(report["differences"])) == (1, 30, 20)
    assert "... and 10 more; --all lists them" in app.command().stdout
    assert len(app.verify("--all")[1]["differences"]) == 30


def test_the_long_format(app: Scribe) -> None:
    rows = [[*ROWS, END], [END]]
    app.write(rows)
    finals = app.expected(rows)
    app.publish(finals, long=True)
    assert app.verify(STREAMS_OUTPUT_FORMAT="long")[0] == 0
    app.publish({("#a", window(3)): 5}, long=True)
    code, report = app.verify(STREAMS_OUTPUT_FORMAT="long")
    assert code == 1
    assert kinds(report) == [("repeated", "#a", "2020-09-13T12:27:40Z", None, 5)]
    # In the wrong format nothing can be read, which says nothing of the counts.
    code, report = app.verify()
    assert code == 2
    assert "None of 21 records" in report["error"]
    assert "STREAMS_OUTPUT_FORMAT" in report["error"]


def test_what_is_no_final_is_reported(app: Scribe) -> None:
    rows = [[*ROWS, END], [END]]
    app.write(rows)
    app.publish(app.expected(rows))
    asyncio.run(write_junk(app))
    code, report = app.verify()
    assert (code, report["unreadable"]) == (0, 1)
    assert any("its value is not a final in JSON" in note for note in report["notes"])


async def write_junk(app: Scribe) -> None:
    async with AIOKafkaProducer(**app.options) as producer:
        await producer.send_and_wait(app.output_topic, b"junk", b"key", timestamp_ms=window(4) - 1)


def test_finals_of_aborted_transactions_do_not_count(app: Scribe) -> None:
    rows = [[*ROWS, END], [END]]
    app.write(rows)
    finals = app.expected(rows)
    asyncio.run(publish_aborted(app))
    app.publish(finals)
    assert app.verify()[0] == 0


async def publish_aborted(app: Scribe) -> None:
    async with AIOKafkaProducer(**app.options, transactional_id=app.app_id) as producer:
        await producer.begin_transaction()
        await producer.send(app.output_topic, b"1", b"#a", timestamp_ms=window(1) - 1)
        await producer.send(app.input, b"#a", partition=0, timestamp_ms=window(0))
        await producer.abort_transaction()


def test_windows_that_only_idleness_closes(app: Scribe) -> None:
    """One partition is empty, so the input itself closes nothing."""
    rows: list[list[Row]] = [[*ROWS, END], []]
    app.write(rows)
    assert app.verify()[0] == 2
    finals = app.expected([[*ROWS, END], [END]])
    app.publish({name: n for name, n in finals.items() if name[1] < window(7)})
    code, report = app.verify()
    assert code == 0, report
    assert report["windows"] == {
        "closed_by_input": 0,
        "closed_by_idle_sources": 7,
        "not_compared": 4,  # three without finals yet, and that of END
    }
    app.publish({("#b", window(9)): 6, ("#rare", window(9)): 5})
    code, report = app.verify()
    assert code == 1
    assert report["counts"] == {"missing": 5, "different": 0, "repeated": 0, "extra": 1}


def test_windows_that_are_open_are_not_compared(app: Scribe) -> None:
    rows = [ROWS, ROWS]
    app.write(rows)
    finals = app.expected(rows)
    assert len(finals) == 18
    app.publish(finals)
    code, report = app.verify()
    assert (code, report["windows"]["not_compared"]) == (0, 1), report
    # Asked for by name, they are something that can't be told.
    code, report = app.verify("--to", str(window(10)))
    assert (code, report["result"]) == (2, "unknown"), report


def test_deleted_input_is_noted(app: Scribe) -> None:
    rows = [[*ROWS, END], [END]]
    app.write(rows)
    app.publish(app.expected(rows))
    asyncio.run(delete_records(app, 20))
    code, report = app.verify()
    assert code == 1
    assert any(f"beginning of {app.input}-0 is deleted" in note for note in report["notes"])
    assert app.verify("--from", str(window(2)))[0] == 0


async def delete_records(app: Scribe, before: int) -> None:
    admin = AIOKafkaAdminClient(**app.options)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(app.input, 0): RecordsToDelete(before)})
    finally:
        await admin.close()


@pytest.mark.parametrize("output_format", ["json", "long"])
def test_a_workers_output_is_equal(
    kafka: Kafka, unique: Name, tmp_path: Path, output_format: str
) -> None:
    """While it works, and while the input grows."""
    variables = {"STREAMS_OUTPUT_FORMAT": output_format}
    with LiveScene(kafka, unique("live"), tmp_path, variables=variables) as scene:
        scene.worker().start()
        scene.until_written(scene.output_topic, 100)
        for _ in range(2):
            code, report = Scribe.verify(scene, wait=10)  # type: ignore[arg-type]
            assert code == 0, report
            assert report["windows"]["closed_by_input"] > 0
            assert report["finals"]["expected"] > 0


class LiveScene(Scene):
    """A scene whose output this module reads, in either format."""

    command = Scribe.command

    def __enter__(self) -> "LiveScene":
        self.load.start()
        return self

    def __exit__(self, *_: object) -> None:
        Application.__exit__(self)
        self.load.finish()


def test_an_application_that_lags_behind_is_no_difference(
    kafka: Kafka, unique: Name, tmp_path: Path
) -> None:
    with Scribe(kafka, unique("lag"), tmp_path) as app:
        app.write([[*ROWS, END], [END]])
        worker = app.worker().start()
        app.until_written(app.output_topic, 20)
        assert worker.stop() == 0
        assert app.verify()[0] == 0
        far = BEGIN + 7_200_000
        app.write([[*[(b"#a", END[1])] * 5, (b"#end", far)], [(b"#end", far)]])
        code, report = app.verify()
        assert code == 2
        assert report["counts"]["missing"] == 1
        assert any(f"{app.app_id} has not read 7 of" in note for note in report["notes"])


@pytest.mark.parametrize(
    ("options", "variables", "told"),
    [
        (["--from", "yesterday"], {}, "--from"),
        (["--from", "2020-01-02", "--to", "2020-01-01"], {}, "--to"),
        ([], {"STREAMS_WINDOW_SECONDS": "-1"}, "STREAMS_WINDOW_SECONDS"),
        ([], {"STREAMS_INPUT_TOPIC": "no-such-topic"}, "no-such-topic"),
        ([], {"KAFKA_BOOTSTRAP": "127.0.0.1:1"}, "KAFKA_BOOTSTRAP"),
    ],
)
def test_what_is_wrong_is_named(
    app: Scribe, options: list[str], variables: dict[str, str], told: str
) -> None:
    done = app.command(*options, **variables)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


def test_a_user_without_rights(secured_kafka: LocalKafka, unique: Name, tmp_path: Path) -> None:
    app = Scribe(secured_kafka, unique("secured"), tmp_path)
    rows = [[*ROWS, END], [END]]
    app.write(rows)
    app.publish(app.expected(rows))
    assert app.verify()[0] == 0
    nobody = {"KAFKA_SASL_USERNAME": "nobody", "KAFKA_SASL_PASSWORD": "nothing"}
    done = app.command(**nobody)
    assert done.returncode == 2
    assert "Kafka denies user 'nobody' access to topic" in done.stderr
    assert "nothing" not in done.stderr


def test_ctrl_c_ends_it_cleanly(app: Scribe) -> None:
    app.write([[*ROWS, END], [END]])  # no finals: it waits some seconds for them
    process = subprocess.Popen(
        [sys.executable, "-X", "faulthandler", "-m", "streams.cli", "verify"],
        env={**os.environ, **app.variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "interrupted" in err
    assert "Traceback" not in err
    assert not out
