"""The archive in the test driver: whatever dies or sleeps, each record is kept once."""

import json
import re
import threading
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from streams.core.columns import TP
from streams.errors import (
    OffsetLostError,
    StartError,
    TaskStoppedError,
    TransactionError,
    UploadError,
)
from streams.settings import Settings
from streams.sinks.archive.agent import archive_app
from streams.sinks.archive.settings import ArchiveSettings
from streams.tasks import archive_task
from streams.testing import TestDriver
from streams.testing.crash import Crash
from streams.transport.app import StreamsApp
from tests.archive.memory import MemoryBucket
from tests.archive.objects import intervals, same, union
from tests.polling import until

TOPIC = "prices"
FIRST = TP(TOPIC, 0)
DEAD_LETTERS = "twitter_input-dead-letters"
GROUP = "tally-archive"
HOUR_MS = 3_600_000
RULES = {
    "STREAMS_ARCHIVE_URL": "s3://bucket/prices",
    "STREAMS_ARCHIVE_PATH": "ticker",
    "STREAMS_ARCHIVE_EVENT_TIME": "event_time",
    "STREAMS_ARCHIVE_WHERE": "price > 50",
    "STREAMS_ARCHIVE_TOPICS": TOPIC,
    "STREAMS_ARCHIVE_BYTES": "300",
}


class Archived:
    """An archive of a bucket in memory, and what is fed to it."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.bucket = MemoryBucket()
        self._folder = folder
        self.app = self.job(**variables)

    def job(self, **variables: str) -> StreamsApp:
        """The application, with these settings and the same bucket."""
        named = {f"STREAMS_ARCHIVE_{name}": value for name, value in variables.items()}
        settings = Settings.from_env({**RULES, **named, "STREAMS_DATA_DIR": str(self._folder)})
        return archive_app(settings, lambda _name, _threads: self.bucket)


@pytest.fixture
def archived(tmp_path: Path) -> Archived:
    return Archived(tmp_path)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that waits for a thread has something to do, however slow the machine is."""
    monkeypatch.setattr(archive_task, "TICK_SECONDS", 60.0)


def quote(n: int) -> str:
    """Two of three pass the filter; the hours and symbols vary."""
    ticker = ("AAPL", "BRK/B", "ÄÖ =?")[n % 3]
    at = f"2026-11-{20 + n % 2}T{n % 24:02}:59:59.{n % 1000:03}Z"
    return json.dumps({"event_time": at, "ticker": ticker, "price": 40 + 10 * (n % 3) + 1.5})


def feed(driver: TestDriver, n: int, partition: int = 0, begin: int = 0) -> None:
    for i in range(begin, begin + n):
        driver.produce(TOPIC, quote(i), 1_000 + i, partition=partition, key=b"k%d" % i)


def expected(driver: TestDriver) -> dict[tuple[int, int], Any]:
    """What the topic holds and passes."""
    return {
        (r.partition, r.offset): r
        for r in driver.read_output(TOPIC)
        if r.value is not None and r.value.startswith(b"{") and json.loads(r.value)["price"] > 50
    }


def check(driver: TestDriver, archived: Archived) -> None:
    """All that should be kept is, once; and all is committed."""
    found, wanted = union(archived.bucket.objects, "prices/"), expected(driver)
    assert found.keys() == wanted.keys()
    assert all(same(wanted[at].value, row.value) for at, row in found.items())
    assert all(wanted[at].key == row.key for at, row in found.items())
    assert all(wanted[at].timestamp == row.timestamp for at, row in found.items())
    intervals(archived.bucket.objects, "prices/")


def committed(driver: TestDriver, tp: TP = FIRST) -> tuple[int, str] | None:
    found = driver.broker.group(GROUP).offsets.get(tp)
    return None if found is None else (found.offset, found.metadata)


def run_to_the_end(driver: TestDriver) -> None:
    """Until what is left is old enough, too."""
    driver.run_until_idle()
    driver.advance_time(300_000)
    driver.run_until_idle()


def test_size_age_and_hour_end_an_interval(archived: Archived) -> None:
    with TestDriver(archived.app, fetch_records=5) as driver:
        feed(driver, 3)
        driver.run_until_idle()
        assert committed(driver) is None
        feed(driver, 9, begin=3)
        driver.run_until_idle()
        assert committed(driver) == (8, "")  # by size, at the end of what was fetched
        driver.advance_time(299_999)
        driver.run_until_idle()
        assert committed(driver) == (8, "")
        driver.advance_time(1)
        driver.run_until_idle()
        assert committed(driver) == (12, "")
        driver.advance_time(HOUR_MS - driver.clock.now() % HOUR_MS - 1)
        feed(driver, 1, begin=13)
        driver.run_until_idle()
        driver.advance_time(1)
        driver.run_until_idle()
        assert committed(driver) == (13, "")
        check(driver, archived)


def test_nothing_that_passes_needs_no_object(archived: Archived) -> None:
    with TestDriver(archived.app) as driver:
        driver.produce(TOPIC, quote(0), 1)
        run_to_the_end(driver)
        assert committed(driver) == (1, "")
        assert not archived.bucket.objects


def test_a_crash_anywhere_leaves_each_record_once(tmp_path: Path) -> None:
    for n in range(1, 60):
        archived = Archived(tmp_path / str(n))
        with TestDriver(
            archived.app, workers=2, partitions={TOPIC: 2}, random=Random(n), fetch_records=7
        ) as driver:
            feed(driver, 40, 0)
            feed(driver, 30, 1)
            driver.produce(TOPIC, "no quote", 1, partition=1)
            plan = driver.kill_at(n)
            run_to_the_end(driver)
            for worker in (0, 1):
                driver.restart_worker(worker)
            run_to_the_end(driver)
            check(driver, archived)
            assert committed(driver) == (40, "")
            (letter,) = driver.read_output(DEAD_LETTERS)
            assert (letter.value, letter.headers["offset"]) == (b"no quote", b"30")
    assert plan.reached


def test_a_crash_between_any_two_objects_repeats_the_first(tmp_path: Path) -> None:
    repeats = 0
    for n in range(1, 12):
        for where in ("before", "after"):
            archived = Archived(tmp_path / f"{n}-{where}")

            def die(call: int, n: int = n) -> None:
                if call == n:
                    raise Crash("in-upload")

            setattr(archived.bucket, where, die)
            with TestDriver(archived.app, fetch_records=6) as driver:
                feed(driver, 30)
                run_to_the_end(driver)
                offset, plan = committed(driver) or (0, "")
                assert json.loads(plan)["to"] > offset
                driver.restart_worker(0)
                run_to_the_end(driver)
                check(driver, archived)
                assert committed(driver) == (30, "")
            repeats += archived.bucket.repeats
    assert repeats


def test_a_zombie_that_uploads_late_changes_nothing(
    archived: Archived, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_task, "TICK_SECONDS", 0.05)
    awake = threading.Event()

    def sleep(call: int) -> None:
        if call <= 2:
            awake.wait(200)

    archived.bucket.before = sleep
    with TestDriver(archived.app, workers=2, fetch_records=6) as driver:
        feed(driver, 6)
        driver.run_until_idle()
        offset, plan = committed(driver) or (0, "")
        assert (offset, json.loads(plan)["to"]) == (0, 6)
        # Its threads start when they may; the other worker's calls come after these.
        until(lambda: archived.bucket.calls >= 2, "two uploads are begun")
        driver.pause_worker(0)
        driver.move_task(FIRST, to=1)
        monkeypatch.setattr(archive_task, "TICK_SECONDS", 60.0)
        feed(driver, 20, begin=6)
        run_to_the_end(driver)
        assert committed(driver) == (26, "")
        before = dict(archived.bucket.objects)
        awake.set()
        driver.resume_worker(0)
        run_to_the_end(driver)
        until(lambda: archived.bucket.repeats > 0, "it uploads")
        assert archived.bucket.objects == before
        assert committed(driver) == (26, "")
        check(driver, archived)


def test_other_settings_wait_for_the_plans_end(archived: Archived) -> None:
    def die(_call: int) -> None:
        raise Crash("in-upload")

    archived.bucket.after = die
    with TestDriver(archived.app, fetch_records=6) as driver:
        feed(driver, 6)
        driver.run_until_idle()
        broker, clock = driver.broker, driver.clock
        assert (committed(driver) or ("", ""))[1]
    archived.bucket.after = lambda _: None
    first = set(archived.bucket.objects)
    another = archived.job(URL="s3://bucket/elsewhere", WHERE="price > 1000", BYTES="1")
    with TestDriver(another, broker=broker, clock=clock) as driver:
        feed(driver, 6, begin=6)
        driver.produce(TOPIC, quote(0).replace("41.5", "1041.5"), 1)
        run_to_the_end(driver)
        assert committed(driver) == (13, "")
        assert first < archived.bucket.objects.keys()
        old = {k: v for k, v in archived.bucket.objects.items() if k.startswith("prices/")}
        new = {k: v for k, v in archived.bucket.objects.items() if k not in old}
        assert union(old, "prices/").keys() == {(0, n) for n in range(6) if n % 3}
        assert union(new, "elsewhere/").keys() == {(0, 12)}


def test_what_compaction_removed_meanwhile_stops_the_task(archived: Archived) -> None:
    def die(_call: int) -> None:
        raise Crash("in-upload")

    archived.bucket.after = die
    with TestDriver(archived.app, fetch_records=6) as driver:
        feed(driver, 6)
        driver.run_until_idle()
        archived.bucket.after = lambda _: None
        for _ in range(2):  # now k1's first record is gone
            driver.produce(TOPIC, quote(1), 1, key=b"k1", partition=0)
        driver.broker.log(FIRST).compact()
        driver.restart_worker(0)
        with pytest.raises(OffsetLostError, match=r"6 records were .* now 5: the topic is compact"):
            driver.run_until_idle()
        # Some objects may come late, from threads of the dead worker; none is stored again.
        assert not archived.bucket.repeats


def test_what_retention_removed_stops_the_task(archived: Archived) -> None:
    with TestDriver(archived.app, fetch_records=6) as driver:
        feed(driver, 6)
        driver.run_until_idle()
        feed(driver, 1, begin=6)
        driver.crash_worker(0)
        driver.broker.log(FIRST).delete_before(7)
        driver.restart_worker(0)
        with pytest.raises(OffsetLostError, match=r"was to archive \[6, 6\)"):
            driver.run_until_idle()


def test_a_lost_offset_stops_the_task(archived: Archived) -> None:
    with TestDriver(archived.app, fetch_records=6) as driver:
        feed(driver, 6)
        driver.run_until_idle()
        before = dict(archived.bucket.objects)
        del driver.broker.group(GROUP).offsets[FIRST]
        driver.restart_worker(0)
        with pytest.raises(TaskStoppedError, match=r"no committed offset, but bucket holds .*-0-0"):
            driver.run_until_idle()
        assert archived.bucket.objects == before


def test_a_bucket_that_refuses_is_tried_again(
    archived: Archived, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("streams.sinks.archive.interval.LONGEST_PAUSE", 0.01)
    found = archived.bucket.find
    refusals = iter(range(2))

    def refuse(call: int) -> None:
        if call < 10:
            raise UploadError("the bucket is on holiday", "SlowDown")

    def refuse_to_tell(prefix: str, wanted: re.Pattern[str]) -> str | None:
        for _ in refusals:
            raise UploadError("the bucket is on holiday", "SlowDown")
        return found(prefix, wanted)

    archived.bucket.before = refuse
    monkeypatch.setattr(archived.bucket, "find", refuse_to_tell)
    with TestDriver(archived.app, fetch_records=6) as driver:
        feed(driver, 20)
        run_to_the_end(driver)
        assert len(driver.failures) == 2
        assert committed(driver) == (20, "")
        check(driver, archived)
    assert "S3 bucket bucket: the bucket is on holiday. The results wait" in caplog.text


def test_an_uncertain_commit_is_looked_up(archived: Archived) -> None:
    for n in (1, 2, 3):
        archived.bucket.objects.clear()
        with TestDriver(archived.job(), fetch_records=6) as driver:
            feed(driver, 18)
            driver.fail_at(n, TransactionError, only="txn-ended")
            run_to_the_end(driver)
            check(driver, archived)
            assert committed(driver) == (18, "")


def test_a_plan_of_another_program_stops_the_task(archived: Archived) -> None:
    with TestDriver(archived.app, fetch_records=6) as driver:
        feed(driver, 6)
        driver.run_until_idle()
        offsets = driver.broker.group(GROUP).offsets
        for metadata, words in (
            ("text", "another program"),
            ('{"v":2,"to":9,"records":1,"rules":{}}', "another version"),
            (
                '{"v":1,"to":6,"records":1,"archived":1,"rules":{"code":"0"}}',
                "rules that are not known",
            ),
        ):
            offsets[FIRST] = offsets[FIRST]._replace(metadata=metadata)
            driver.restart_worker(0)
            with pytest.raises(TaskStoppedError, match=words):
                driver.run_until_idle()


def test_it_needs_a_bucket_and_can_not_archive_dead_letters(archived: Archived) -> None:
    with pytest.raises(StartError, match="STREAMS_ARCHIVE_URL: is needed"):
        archived.job(URL="")
    with pytest.raises(StartError, match="STREAMS_DEAD_LETTER_TOPIC"):
        archived.job(TOPICS=DEAD_LETTERS)
    settings = Settings(archive=ArchiveSettings(url="s3://bucket"))
    assert settings.archived_topics == ("twitter_output",)
    assert replace(settings, output_topic="x").archived_topics == ("x",)
