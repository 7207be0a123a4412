"""Sinks in the test driver: what is committed, repeated and set aside; nothing is skipped."""

import asyncio
from collections.abc import Iterable
from random import Random

import pytest

from streams.core.columns import TP
from streams.errors import OffsetLostError, StartError, TaskStoppedError, TransactionError
from streams.settings import Settings
from streams.tasks import sink_task
from streams.tasks.results import Result, Results
from streams.testing import TestDriver
from streams.transport.app import StreamsApp

TOPIC = "results"
FIRST = TP(TOPIC, 0)
DEAD_LETTERS = "twitter_input-dead-letters"


class Peer:
    """Remembers what reaches it; accepts all but what a test holds back or refuses."""

    def __init__(self) -> None:
        self.got: list[Result] = []
        self.held: dict[int, tuple[Results, Result]] = {}
        self.holds: set[int] = set()
        self.refuses: set[int] = set()

    async def body(self, results: Results) -> None:
        async for some in results:
            for result in some:
                self.take(results, result)

    def take(self, results: Results, result: Result) -> None:
        self.got.append(result)
        if result.offset in self.holds:
            self.held[result.offset] = results, result
        elif result.offset in self.refuses:
            results.rejected(result, "refused")
        else:
            results.accepted(result)

    def release(self, offset: int) -> None:
        """Accept what was held back."""
        results, result = self.held.pop(offset)
        results.accepted(result)

    @property
    def offsets(self) -> list[int]:
        return [result.offset for result in self.got]


def job(peer: Peer) -> StreamsApp:
    app = StreamsApp(Settings())
    app.sink_agent(TOPIC, name="peer")(peer.body)
    return app


def feed(driver: TestDriver, values: Iterable[str], partition: int = 0) -> None:
    for n, value in enumerate(values):
        driver.produce(TOPIC, value, 1_000 + n, partition=partition, key=value[:1].encode())


def committed(driver: TestDriver, tp: TP = FIRST) -> int | None:
    found = driver.broker.group("tally").offsets.get(tp)
    return None if found is None else found.offset


def test_what_is_delivered_is_committed() -> None:
    peer = Peer()
    with TestDriver(job(peer)) as driver:
        feed(driver, ["a1", "b1", "a2"])
        driver.run_until_idle()
        assert [(r.key, r.value, r.timestamp, r.id) for r in peer.got] == [
            (b"a", b"a1", 1_000, "results-0-0"),
            (b"b", b"b1", 1_001, "results-0-1"),
            (b"a", b"a2", 1_002, "results-0-2"),
        ]
        assert committed(driver) == 3
        driver.restart_worker(0)
        driver.run_until_idle()
        assert len(peer.got) == 3


def test_the_offset_stays_below_what_is_not_accepted() -> None:
    peer = Peer()
    peer.holds = {2, 4}
    with TestDriver(job(peer)) as driver:
        feed(driver, "abcdef")
        driver.run_until_idle()
        assert peer.offsets == [0, 1, 2, 3, 4, 5]
        assert committed(driver) == 2
        peer.release(2)
        driver.run_until_idle()
        assert committed(driver) == 4
        driver.crash_worker(0)
        peer.got.clear()
        peer.holds.clear()
        driver.restart_worker(0)
        driver.run_until_idle()
        assert peer.offsets == [4, 5]
        assert committed(driver) == 6


def test_what_is_refused_goes_to_the_dead_letters_once() -> None:
    peer = Peer()
    peer.holds, peer.refuses = {1}, {0, 3}
    with TestDriver(job(peer)) as driver:
        feed(driver, "abcd")
        driver.run_until_idle()
        # The second one's offset is not passed yet: a crash would bring it again.
        assert [r.value for r in driver.read_output(DEAD_LETTERS)] == [b"a"]
        driver.crash_worker(0)
        peer.holds.clear()
        driver.restart_worker(0)
        driver.run_until_idle()
        letters = driver.read_output(DEAD_LETTERS)
        assert [(r.key, r.value) for r in letters] == [(b"a", b"a"), (b"d", b"d")]
        assert letters[1].headers == {
            "reason": b"refused",
            "topic": b"results",
            "partition": b"0",
            "offset": b"3",
            "timestamp": b"1003",
        }


def test_no_more_is_taken_than_a_crash_may_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    async def rooms(driver: TestDriver) -> bool:
        try:
            async with asyncio.timeout(0.01):
                await driver.workers[0].tasks[FIRST].until_room()
            return True
        except TimeoutError:
            return False

    def has_room() -> bool:
        return bool(driver._run(rooms(driver)))

    for name, value in (("SPAN", 5), ("ENOUGH", 3)):
        monkeypatch.setattr(sink_task, "SPAN", 100)
        monkeypatch.setattr(sink_task, "ENOUGH", 100)
        monkeypatch.setattr(sink_task, name, value)
        peer = Peer()
        peer.holds = {1} if name == "SPAN" else {1, 2, 3}
        with TestDriver(job(peer)) as driver:
            feed(driver, "abc")
            driver.run_until_idle()
            assert has_room()
            feed(driver, "defg")
            driver.run_until_idle()
            assert not has_room()
            peer.release(1)
            assert has_room()


def test_a_crash_anywhere_repeats_but_skips_nothing() -> None:
    for n in range(1, 60):
        peer = Peer()
        peer.refuses = {1, 7}
        with TestDriver(job(peer), workers=2, partitions={TOPIC: 2}, random=Random(n)) as driver:
            feed(driver, "abcdefghij", 0)
            feed(driver, "klmnopqrst", 1)
            driver.kill_at(n)
            driver.run_until_idle()
            for worker in (0, 1):
                driver.restart_worker(worker)
            driver.run_until_idle()
            assert {(r.partition, r.offset) for r in peer.got} == {
                (partition, offset) for partition in (0, 1) for offset in range(10)
            }
            assert committed(driver, TP(TOPIC, 1)) == 10
            letters = sorted(r.value or b"" for r in driver.read_output(DEAD_LETTERS))
            assert letters == [b"b", b"h", b"l", b"r"]


def test_a_zombie_commits_nothing() -> None:
    peer = Peer()
    peer.holds = {0}
    with TestDriver(job(peer), workers=2) as driver:
        feed(driver, "ab")
        driver.run_until_idle()
        driver.pause_worker(0)
        driver.move_task(FIRST, to=1)
        held = dict(peer.held)
        driver.run_until_idle()
        assert peer.offsets == [0, 1, 0, 1]
        driver.resume_worker(0)
        held[0][0].accepted(held[0][1])
        driver.run_until_idle()
        assert committed(driver) is None
        peer.release(0)
        driver.run_until_idle()
        assert committed(driver) == 2


def test_an_uncertain_commit_repeats_but_skips_nothing() -> None:
    peer = Peer()
    with TestDriver(job(peer)) as driver:
        feed(driver, "ab")
        driver.fail_at(1, TransactionError, only="end-txn")
        driver.run_until_idle()
        assert peer.offsets == [0, 1, 0, 1]
        assert committed(driver) == 2


def test_an_offset_outside_of_the_log_stops_the_task() -> None:
    peer = Peer()
    with TestDriver(job(peer)) as driver:
        feed(driver, "ab")
        driver.run_until_idle()
        feed(driver, "cd")
        driver.crash_worker(0)
        driver.broker.log(FIRST).delete_before(3)
        driver.restart_worker(0)
        with pytest.raises(OffsetLostError, match="was to go on from offset 2"):
            driver.run_until_idle()


def test_a_body_that_ends_or_fails_stops_its_task() -> None:
    async def ends(results: Results) -> None:
        await anext(results)

    async def fails(results: Results) -> None:
        await anext(results)
        raise ValueError("no such peer")

    for body, error in ((ends, TaskStoppedError), (fails, ValueError)):
        app = StreamsApp(Settings())
        app.sink_agent(TOPIC, name="peer")(body)
        with TestDriver(app) as driver:
            feed(driver, "a")
            with pytest.raises(error):
                driver.run_until_idle()


def test_a_topic_has_one_sink() -> None:
    app = job(Peer())
    with pytest.raises(StartError, match="reads that topic already"):
        app.sink_agent(TOPIC, name="another")
