"""`tally reset`: refused while workers run or counts are open; afterwards all begins anew."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.access import check_access
from streams.core.columns import TP
from streams.errors import ResetError
from streams.kafka_settings import KafkaSettings
from streams.reset.group import commit_outside
from tests.application import Application, Finals, Kafka, decode_json, write
from tests.load import BEGIN, Row
from tests.polling import until
from tests.ticker_load import quote
from tests.worker import Worker, clean_environment, free_port

Name = Callable[[str], str]

#: 2 windows of 20 s, of which the second one stays open unless its source is idle.
FIRST: list[Row] = [*[(b"#a", BEGIN + 10)] * 6, *[(b"#b", BEGIN + 25_000)] * 7]
LATER: list[Row] = [(b"#c", BEGIN + 30_000)] * 8
IDLE = {"STREAMS_WINDOW_IDLE_SECONDS": "1"}
#: So that a worker isn't forgotten by its group, however busy the machine is.
PATIENT = {"STREAMS_SESSION_TIMEOUT_MS": "60000", "STREAMS_REBALANCE_TIMEOUT_MS": "70000"}
DONE = "Done: workers may start."
#: How long what has to happen may take on a busy machine.
SECONDS = 100.0


def reset(app: Application, data: Path, *options: str, **variables: str) -> tuple[int, str]:
    """Exit code and all that was printed; `data` is the disk of the machine where it runs."""
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "reset", *options],
        env={
            **clean_environment(),
            **app.variables,
            "STREAMS_DATA_DIR": str(data),
            **variables,
        },
        capture_output=True,
        text=True,
        timeout=180,
    )
    return done.returncode, done.stdout + done.stderr


def partition_counts(app: Application, kafka: Kafka) -> dict[str, int]:
    """Of those internal topics that exist."""
    settings = KafkaSettings.from_env(kafka.env())
    return asyncio.run(check_access(settings, [app.partials, app.changelog]))


def all_finals(app: Application, n: int) -> list[Finals]:
    """Those of each record, once there are n."""
    return [decode_json(record) for record in app.until_written(app.output_topic, n, SECONDS)]


def latest_prices(app: Application) -> list[float]:
    """Those that were told, without what windows came to."""
    told = [json.loads(record.value or b"") for record in app.read(app.ticker_output)]
    return [value["price"] for value in told if "price" in value]


def drained(worker: Worker, tasks: int) -> bool:
    samples = worker.metrics()
    found = [n for name, n in samples.items() if name[0] == "streams_open_windows"]
    lag = [n for name, n in samples.items() if name[0] == "streams_lag_records"]
    return len(lag) == tasks and not any(found) and not any(lag)


def test_a_kafka_that_is_not_there(tmp_path: Path) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "reset", "--to", "current"],
        env={**clean_environment(), "KAFKA_BOOTSTRAP": nowhere, "STREAMS_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(f"tally reset: Kafka can't be reached at {nowhere}")


def test_nothing_is_reset_under_a_worker(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    with Application(kafka, unique("reset"), tmp_path) as app:
        app.create_topics()
        app.write([FIRST])
        worker = app.worker(**PATIENT).start().until_running(app.tasks, SECONDS)
        before = partition_counts(app, kafka)
        for to in ("current", "beginning"):
            code, said = reset(app, worker.data, "--to", to, "--execute")
            assert code == 1
            assert f"{app.app_id} runs: " in said
        # Nor is a worker overtaken that has started since we looked.
        with pytest.raises(ResetError, match="has just started"):
            asyncio.run(commit_outside(app.options, app.app_id, {TP(app.input, 0): 0}))
        assert partition_counts(app, kafka) == before
        app.write([[(b"#end", BEGIN + 60_000)]])
        assert app.finals_of(2) == {("#a", BEGIN): 6, ("#b", BEGIN + 20_000): 7}


def test_open_windows_are_not_lost_unasked(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    with Application(kafka, unique("reset"), tmp_path) as app:
        app.create_topics()
        app.write([FIRST])
        worker = app.worker().start()
        all_finals(app, 1)
        assert worker.stop() == 0
        code, said = reset(app, worker.data, "--to", "current", "--execute")
        assert code == 1
        assert f"{app.changelog}-0: 1 of its windows without finals" in said
        assert partition_counts(app, kafka).keys() == {app.partials, app.changelog}
        code, said = reset(app, worker.data, "--to", "current", "--discard-open-windows")
        assert (code, said.splitlines()[-1]) == (0, "Nothing was changed. To do it, add --execute.")
        assert partition_counts(app, kafka).keys() == {app.partials, app.changelog}
        assert (worker.data / app.app_id).exists()
        options = ("--to", "current", "--discard-open-windows", "--execute")
        code, said = reset(app, worker.data, *options)
        assert (code, said.splitlines()[-1]) == (0, DONE)
        assert partition_counts(app, kafka) == {}
        assert not (worker.data / app.app_id).exists()
        # Once more does no harm.
        assert reset(app, worker.data, *options)[0] == 0
        app.write([[*LATER, (b"#end", BEGIN + 60_000)]])
        worker.start()
        assert app.finals_of(2) == {("#a", BEGIN): 6, ("#c", BEGIN + 20_000): 8}


@pytest.mark.long
def test_drain_and_reset_for_another_window_and_other_partitions(
    kafka: Kafka, unique: Name, tmp_path: Path
) -> None:
    with Application(kafka, unique("reset"), tmp_path, partitions=2, variables=IDLE) as app:
        app.create_topics()
        app.write([FIRST, FIRST])
        old = app.worker("old").start()
        expected: list[Finals] = [{("#a", BEGIN): 12}, {("#b", BEGIN + 20_000): 14}]
        assert sorted(all_finals(app, 2), key=str) == expected
        until(lambda: drained(old, app.tasks), "all windows are closed", SECONDS, old.tail)
        assert old.stop() == 0
        changed = {"STREAMS_WINDOW_SECONDS": "5", "STREAMS_PARTITIONS": "3"}
        # On another machine, so that the worker's disk is still there.
        code, said = reset(app, tmp_path / "other", "--to", "current", "--execute", **changed)
        assert (code, said.splitlines()[-1]) == (0, DONE)
        app.write([LATER, []])
        app.variables.update(changed)
        new = Worker("old", tmp_path, app.variables).start()
        app.workers["old"] = new
        expected.append({("#c", BEGIN + 30_000): 8})
        assert sorted(all_finals(app, 3), key=str) == expected
        until(lambda: drained(new, app.tasks + 1), "all windows are closed", SECONDS, new.tail)
        assert partition_counts(app, kafka) == {app.partials: 3, app.changelog: 3}
        assert "does not belong to its changelog" in new.said()
        assert new.stop() == 0
        assert sorted(all_finals(app, 3), key=str) == expected


@pytest.mark.long
def test_all_jobs_are_reset_together(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    jobs = ["hashtags", "tickers"]
    with Application(kafka, unique("reset"), tmp_path, jobs=jobs, variables=IDLE) as app:
        app.create_topics()
        app.write([FIRST])
        asyncio.run(write(app.options, app.ticker_input, [[quote("TBV", BEGIN + 900, 52)]]))
        worker = app.worker().start().until_running(app.tasks, SECONDS)
        until(lambda: latest_prices(app) == [52], "the price is told", SECONDS, worker.tail)
        # The candle, and the finals.
        app.until_written(app.ticker_output, 2, SECONDS)
        all_finals(app, 2)
        until(lambda: drained(worker, app.tasks), "all windows are closed", SECONDS, worker.tail)
        assert worker.stop() == 0
        # The latest price is of no window, and doesn't hold up a reset.
        code, said = reset(app, worker.data, "--to", "current", "--execute")
        assert (code, said.splitlines()[-1]) == (0, DONE)
        for topic in (app.partials, app.changelog, app.ticker_partials, app.ticker_changelog):
            assert f"delete  topic {topic}" in said
        # It is forgotten, so an older one is the latest again.
        asyncio.run(write(app.options, app.ticker_input, [[quote("TBV", BEGIN + 500, 61)]]))
        worker.start()
        until(lambda: latest_prices(app) == [52, 61], "it is told", SECONDS, worker.tail)


@pytest.mark.long
def test_all_is_counted_again_though_a_worker_was_only_asleep(
    kafka: Kafka, unique: Name, tmp_path: Path
) -> None:
    with Application(kafka, unique("reset"), tmp_path) as app:
        app.create_topics()
        app.write([[*FIRST, (b"#end", BEGIN + 60_000)]])
        zombie = app.worker("zombie").start()
        first: list[Finals] = [{("#a", BEGIN): 6}, {("#b", BEGIN + 20_000): 7}]
        assert sorted(all_finals(app, 2), key=str) == first
        zombie.freeze()
        said = ""
        changed = {"STREAMS_WINDOW_SECONDS": "10"}

        def is_reset() -> bool:
            nonlocal said
            code, said = reset(app, tmp_path / "other", "--to", "beginning", "--execute", **changed)
            assert code == 0 or " runs: " in said, said
            return code == 0

        until(is_reset, "the group forgets the sleeping worker", 2 * SECONDS, lambda: said)
        worker = app.worker("new", **changed).start()
        again: list[Finals] = [{("#a", BEGIN): 6}, {("#b", BEGIN + 20_000): 7}]
        assert sorted(all_finals(app, 4), key=str) == sorted(first + again, key=str)
        zombie.thaw()
        rows: list[Row] = [(b"#d", BEGIN + 100_000)] * 9
        app.write([[*rows, (b"#end", BEGIN + 150_000)]])
        more: Finals = {("#d", BEGIN + 100_000): 9}
        # That of #end, from the window that #d has closed, is too few to be told.
        assert sorted(all_finals(app, 5), key=str) == sorted([*first, *again, more], key=str)
        # There is one partition, which either of them may have got.
        assert worker.stop() == 0
        # The sleeper has the former settings, and is told so once it has it.
        until(lambda: not zombie.alive, "the sleeper ends", SECONDS, zombie.tail)
        assert "window_ms" in zombie.said()
