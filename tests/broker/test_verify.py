"""`tally verify` against a real broker: it finds what is wrong, and nothing where nothing is."""

import asyncio
import json
import os
import random
import select
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
from tests.scene import Scene, seed_of_run
from tests.worker import clean_environment

Name = Callable[[str], str]
Rows = list[list[Row]]

WINDOW_MS = 20_000
#: Far after all others: closes their windows.
END: Row = (b"#end", BEGIN + 3_600_000)
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


def command(
    app: Application, *options: str, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `tally verify` on an application; finals that are missing aren't waited for."""
    return subprocess.run(
        [sys.executable, "-m", "streams.cli", "verify", "--wait", "0", *options],
        env={**clean_environment(), **app.variables, **(variables or {})},
        capture_output=True,
        text=True,
        timeout=60,
    )


def verify(app: Application, *options: str, **variables: str) -> tuple[int, dict[str, Any]]:
    """Exit code and report."""
    done = command(app, *options, "--json", variables=variables)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout) if done.stdout else {"error": done.stderr}


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
    rows: Rows = [[*ROWS, END], [*ROWS[:50], END]]
    app.write(rows)
    app.publish(app.expected(rows))
    code, report = verify(app)
    assert (code, report["result"]) == (0, "equal"), report
    assert report["finals"] == {"expected": 20, "found": 20}
    assert report["windows"]["closed_by_input"] == 10
    assert report["records"] == len(rows[0]) + len(rows[1])
    assert report["differences"] == []


def test_each_difference_is_named(app: Scribe) -> None:
    rows: Rows = [[*ROWS, END], [END]]
    app.write(rows)
    finals = app.expected(rows)
    del finals["#a", window(1)]
    finals["#a", window(2)] = 6
    finals["#rare", window(3)] = 7
    app.publish([*finals.items(), (("#b", window(4)), 6), (("#b", window(2)), 6)])
    code, report = verify(app)
    assert code == 1
    assert sorted(kinds(report)) == [
        ("different", "#a", "2020-09-13T12:27:20Z", 5, 6),
        ("extra", "#rare", "2020-09-13T12:27:40Z", None, 7),
        ("missing", "#a", "2020-09-13T12:27:00Z", 5, None),
        ("repeated", "#b", "2020-09-13T12:27:20Z", None, 6),
        ("repeated", "#b", "2020-09-13T12:28:00Z", None, 6),
    ]
    assert report["counts"] == {"missing": 1, "different": 1, "repeated": 2, "extra": 1}
    told = command(app).stdout
    assert 'missing    2020-09-13T12:27:00Z - 2020-09-13T12:27:20Z  "#a": expected 5' in told
    assert '"#a": expected 5, found 6 (partition ' in told


def test_one_of_each_kind_is_enough(app: Scribe) -> None:
    """The negative control of `test_equal`, with one thing wrong at a time, range by range."""
    rows: Rows = [[*ROWS, END], [END]]
    app.write(rows)
    finals = app.expected(rows)
    del finals["#b", window(7)]
    app.publish(finals)
    assert verify(app, "--to", str(window(7)))[0] == 0
    assert verify(app, "--from", str(window(8)))[0] == 0
    code, report = verify(app, "--from", "2020-09-13T12:29:00", "--to", "2020-09-13T14:29:20+02:00")
    assert code == 1
    assert kinds(report) == [("missing", "#b", "2020-09-13T12:29:00Z", 6, None)]
    assert report["finals"] == {"expected": 2, "found": 1}


def test_a_range_reads_no_more_than_it_needs(app: Scribe) -> None:
    # More than a fetch brings, so that the end shows too.
    rows: list[Row] = [(b"#" * 3_000, window(0) + i * WINDOW_MS // 10) for i in range(1_000)]
    app.write([rows, rows])
    _, report = verify(app, "--from", str(window(10)), "--to", str(window(11)))
    assert 0 < report["records"] < len(rows)
    assert report["windows"]["closed_by_input"] == 1


@pytest.mark.long
def test_any_range_of_disorder(app: Scribe) -> None:
    """A range begins in the middle of partitions whose records are late, some of them too late."""
    random_ = random.Random(seed_of_run())
    rows: Rows = [[*disorder(random_), END] for _ in range(PARTITIONS)]
    app.write(rows)
    finals = reference.finals(rows, WINDOW_MS, 10_000, 0)
    app.publish(finals)
    grace = {"STREAMS_GRACE_SECONDS": "10", "STREAMS_MIN_MENTIONED": "0"}
    for _ in range(8):
        first, last = sorted(random_.sample(range(50), 2))
        code, report = verify(app, "--from", str(window(first)), "--to", str(window(last)), **grace)
        inside = [name for name in finals if window(first) <= name[1] < window(last)]
        assert code == 0, (first, last, report)
        assert report["finals"] == {"expected": len(inside), "found": len(inside)}
    assert verify(app, **grace | {"STREAMS_GRACE_SECONDS": "0"})[0] == 1


def disorder(random_: random.Random) -> list[Row]:
    """Large records, so that each fetch brings a few windows only: 50 windows in all."""
    rows: list[Row] = []
    for i in range(3_000):
        behind = random_.randrange(90_000) if random_.random() < 0.3 else 0
        value = random_.choice([b"#a" + b" " * 3_000, b"#B" + b" " * 3_000, b"x", None])
        rows.append((value, max(BEGIN, BEGIN + i * 50 * WINDOW_MS // 3_000 - behind)))
    return rows


def test_many_differences_are_cut_short(app: Scribe) -> None:
    rows: Rows = [[*((f"#t{i % 30}".encode(), BEGIN + i) for i in range(150)), END], [END]]
    app.write(rows)
    code, report = verify(app)
    assert (code, report["counts"]["missing"], len(report["differences"])) == (1, 30, 20)
    assert "... and 10 more; --all lists them" in command(app).stdout
    assert len(verify(app, "--all")[1]["differences"]) == 30


def test_the_long_format(app: Scribe) -> None:
    rows: Rows = [[*ROWS, END], [END]]
    app.write(rows)
    finals = app.expected(rows)
    app.publish(finals, long=True)
    assert verify(app, STREAMS_OUTPUT_FORMAT="long")[0] == 0
    app.publish({("#a", window(3)): 5}, long=True)
    code, report = verify(app, STREAMS_OUTPUT_FORMAT="long")
    assert code == 1
    assert kinds(report) == [("repeated", "#a", "2020-09-13T12:27:40Z", None, 5)]
    # In the wrong format nothing can be read, which says nothing of the counts.
    code, report = verify(app)
    assert code == 2
    assert "None of 21 records" in report["error"]
    assert "STREAMS_OUTPUT_FORMAT" in report["error"]


def test_what_is_no_final_is_reported(app: Scribe) -> None:
    rows: Rows = [[*ROWS, END], [END]]
    app.write(rows)
    app.publish(app.expected(rows))
    asyncio.run(write_junk(app))
    code, report = verify(app)
    assert (code, report["unreadable"]) == (0, 1)
    assert any("its value is not a final in JSON" in note for note in report["notes"])


async def write_junk(app: Scribe) -> None:
    async with AIOKafkaProducer(**app.options) as producer:
        await producer.send_and_wait(app.output_topic, b"junk", b"key", timestamp_ms=window(4) - 1)


def test_finals_of_aborted_transactions_do_not_count(app: Scribe) -> None:
    rows: Rows = [[*ROWS, END], [END]]
    app.write(rows)
    finals = app.expected(rows)
    asyncio.run(publish_aborted(app))
    app.publish(finals)
    assert verify(app)[0] == 0


async def publish_aborted(app: Scribe) -> None:
    async with AIOKafkaProducer(**app.options, transactional_id=app.app_id) as producer:
        await producer.begin_transaction()
        await producer.send(app.output_topic, b"1", b"#a", timestamp_ms=window(1) - 1)
        await producer.send(app.input, b"#a", partition=0, timestamp_ms=window(0))
        await producer.abort_transaction()


def test_windows_that_only_idleness_closes(app: Scribe) -> None:
    """One partition is empty, so the input itself closes nothing."""
    rows: Rows = [[*ROWS, END], []]
    app.write(rows)
    assert verify(app)[0] == 2
    finals = app.expected([[*ROWS, END], [END]])
    app.publish({name: n for name, n in finals.items() if name[1] < window(7)})
    code, report = verify(app)
    assert code == 0, report
    assert report["windows"] == {
        "closed_by_input": 0,
        "closed_by_idle_sources": 7,
        "not_compared": 4,  # three without finals yet, and that of END
    }
    app.publish({("#b", window(9)): 6, ("#rare", window(9)): 5})
    code, report = verify(app)
    assert code == 1
    assert report["counts"] == {"missing": 5, "different": 0, "repeated": 0, "extra": 1}


def test_windows_that_are_open_are_not_compared(app: Scribe) -> None:
    rows: Rows = [ROWS, ROWS]
    app.write(rows)
    finals = app.expected(rows)
    assert len(finals) == 18
    app.publish(finals)
    code, report = verify(app)
    assert (code, report["windows"]["not_compared"]) == (0, 1), report
    # Asked for by name, they are something that can't be told.
    code, report = verify(app, "--to", str(window(10)))
    assert (code, report["result"]) == (2, "unknown"), report


def test_deleted_input_is_noted(app: Scribe) -> None:
    rows: Rows = [[*ROWS, END], [END]]
    app.write(rows)
    app.publish(app.expected(rows))
    asyncio.run(delete_records(app, 20))
    code, report = verify(app)
    assert code == 1
    assert any(f"beginning of {app.input}-0 is deleted" in note for note in report["notes"])
    assert verify(app, "--from", str(window(2)))[0] == 0


async def delete_records(app: Scribe, before: int) -> None:
    admin = AIOKafkaAdminClient(**app.options)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(app.input, 0): RecordsToDelete(before)})
    finally:
        await admin.close()


@pytest.mark.parametrize("output_format", ["json", "long"], ids="as_{}".format)
def test_a_workers_output_is_equal(
    kafka: Kafka, unique: Name, tmp_path: Path, output_format: str
) -> None:
    """While it works, and while the input grows."""
    variables = {"STREAMS_OUTPUT_FORMAT": output_format}
    with LiveScene(kafka, unique("live"), tmp_path, variables=variables) as scene:
        scene.worker().start()
        scene.until_written(scene.output_topic, 100)
        for _ in range(2):
            code, report = verify(scene, "--wait", "10")
            assert code == 0, report
            assert report["windows"]["closed_by_input"] > 0
            assert report["finals"]["expected"] > 0


def test_a_worker_with_an_idle_source(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    variables = {"STREAMS_WINDOW_IDLE_SECONDS": "0.5"}
    with Scribe(kafka, unique("idle"), tmp_path, variables=variables) as app:
        app.write([[*ROWS, END], []])
        app.worker().start()
        app.until_written(app.output_topic, 20)
        code, report = verify(app, "--wait", "10")
        assert code == 0, report
        assert report["windows"]["closed_by_input"] == 0
        assert report["windows"]["closed_by_idle_sources"] == 10


class LiveScene(Scene):
    """A scene whose output, in either format, only `tally verify` reads."""

    def __enter__(self) -> "LiveScene":
        self.load.start()
        return self

    def __exit__(self, *_: object) -> None:
        Application.__exit__(self)
        self.load.finish()


@pytest.mark.long
def test_an_application_that_lags_behind_is_no_difference(
    kafka: Kafka, unique: Name, tmp_path: Path
) -> None:
    with Scribe(kafka, unique("lag"), tmp_path) as app:
        app.write([[*ROWS, END], [END]])
        worker = app.worker().start()
        app.until_written(app.output_topic, 20)
        assert worker.stop() == 0
        assert verify(app)[0] == 0
        far = BEGIN + 7_200_000
        app.write([[*[(b"#a", END[1])] * 5, (b"#end", far)], [(b"#end", far)]])
        code, report = verify(app)
        assert code == 2
        assert report["counts"]["missing"] == 1
        assert any(f"{app.app_id} still has to read 7 records" in note for note in report["notes"])


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
    done = command(app, *options, variables=variables)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


def test_a_user_without_rights(secured_kafka: LocalKafka, unique: Name, tmp_path: Path) -> None:
    app = Scribe(secured_kafka, unique("secured"), tmp_path)
    rows: Rows = [[*ROWS, END], [END]]
    app.write(rows)
    app.publish(app.expected(rows))
    assert verify(app)[0] == 0
    nobody = {"KAFKA_SASL_USERNAME": "nobody", "KAFKA_SASL_PASSWORD": "nothing"}
    done = command(app, variables=nobody)
    assert done.returncode == 2
    assert "Kafka denies user 'nobody' access to topic" in done.stderr
    assert "nothing" not in done.stderr


def test_ctrl_c_ends_it_cleanly(app: Scribe) -> None:
    """On a terminal, where a bar tells that all was read: then it waits for missing finals."""
    app.write([[*ROWS, END], [END]])
    terminal, stderr = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "streams.cli", "verify", "--wait", "60"],
        env={**clean_environment(), **app.variables, "TERM": "xterm", "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=stderr,
        # Tests in the background of a shell ignore Ctrl-C, and would hand that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    os.close(stderr)
    try:
        n = len(ROWS) + 2
        told = shown(terminal, b"%d/%d" % (n, n))
        process.send_signal(signal.SIGINT)
        told += shown(terminal, b"interrupted")
        out, _ = process.communicate(timeout=10)
    finally:
        process.kill()
        os.close(terminal)
    assert process.returncode == 130, told
    assert b"Traceback" not in told
    assert not out


def shown(terminal: int, text: bytes) -> bytes:
    """What comes out of a terminal until it shows `text`."""
    told = b""
    while text not in told:
        ready, _, _ = select.select([terminal], [], [], 20)
        assert ready, told
        told += os.read(terminal, 10_000)
    return told
