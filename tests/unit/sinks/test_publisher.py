"""Repeating, splitting and giving up, on a client that answers as it is told."""

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

import pytest

from streams.sinks import backoff
from streams.sinks.appsync.client import Client
from streams.sinks.appsync.formats import Item
from streams.sinks.appsync.graphql import OpaqueFormat
from streams.sinks.appsync.publisher import Publisher
from streams.sinks.appsync.verdicts import ACCEPTED, Answer, Fate, Verdict, all_alike
from streams.sinks.trouble import Trouble
from streams.tasks.results import Result, Results
from tests.polling import until_true
from tests.unit.sinks.results import result

Judge = Callable[[list[int]], list[Verdict]]

RETRY = Verdict(Fate.RETRY, "later", "500")
SPLIT = Verdict(Fate.SPLIT, "one of them is wrong", "400")


class Script:
    """A client, and who is told what became of the results."""

    def __init__(self, judge: Judge) -> None:
        self.format = OpaqueFormat("{topic}", 4)
        self.sent: list[list[int]] = []
        self.accepted_: list[int] = []
        self.rejected_: dict[int, str] = {}
        self._judge = judge

    async def send(self, items: Sequence[Item]) -> Answer:
        offsets = [item.result.offset for item in items]
        self.sent.append(offsets)
        await asyncio.sleep(0)
        return Answer(self._judge(offsets))

    def accepted(self, result: Result) -> None:
        self.accepted_.append(result.offset)

    def rejected(self, result: Result, reason: str) -> None:
        self.rejected_[result.offset] = reason

    async def run(self, results: list[Result], concurrency: int = 2) -> None:
        """Deliver results until each is settled."""
        stream = Results(self)
        client = cast(Client, self)
        publisher = Publisher("test", client, Trouble("Peer"), concurrency, 0.01)
        running = asyncio.create_task(publisher.run(stream))
        stream.put(results)
        await until_true(lambda: len(self.accepted_) + len(self.rejected_) >= len(results))
        running.cancel()
        await asyncio.wait([running])


def keyed(keys: str) -> list[Result]:
    return [result(n, key=key.encode()) for n, key in enumerate(keys)]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_SECONDS", 0.001)


async def test_several_go_in_one_request() -> None:
    script = Script(lambda offsets: [ACCEPTED] * len(offsets))
    await script.run(keyed("abcdef"))
    assert script.sent == [[0, 1, 2, 3], [4, 5]]


async def test_a_key_waits_until_its_result_was_accepted() -> None:
    failures = iter(range(3))

    def judge(offsets: list[int]) -> list[Verdict]:
        fails = 0 in offsets and next(failures, None) is not None
        return [RETRY if fails and offset == 0 else ACCEPTED for offset in offsets]

    script = Script(judge)
    await script.run(keyed("aabb"))
    assert script.accepted_.index(0) < script.accepted_.index(1)
    assert script.accepted_.index(2) < script.accepted_.index(3)
    assert script.accepted_.index(3) < script.accepted_.index(0)  # another key went on
    assert script.sent.count([0]) == 3


async def test_the_one_that_is_wrong_is_found() -> None:
    script = Script(
        lambda offsets: (
            all_alike(len(offsets), SPLIT) if {2, 5} & set(offsets) else [ACCEPTED] * len(offsets)
        )
    )
    await script.run(keyed("abcdefg"))
    assert script.rejected_ == {2: SPLIT.reason, 5: SPLIT.reason}
    assert sorted(script.accepted_) == [0, 1, 3, 4, 6]


async def test_what_is_too_large_is_never_sent() -> None:
    script = Script(lambda offsets: [ACCEPTED] * len(offsets))
    await script.run([result(0, value=b"x" * 300_000), result(1)])
    assert list(script.rejected_) == [0]
    assert script.sent == [[1]]


async def test_one_that_fails_for_ever_holds_up_no_other_key() -> None:
    script = Script(lambda offsets: [RETRY if offset == 0 else ACCEPTED for offset in offsets])
    running = asyncio.create_task(script.run(keyed("a" + "bcdefg" * 50)))
    await until_true(lambda: len(script.accepted_) >= 300)
    tries = script.sent.count([0])
    await until_true(lambda: script.sent.count([0]) > tries)
    assert not running.done()
    running.cancel()
    await asyncio.wait({running})
    assert sorted(script.accepted_) == list(range(1, 301))
