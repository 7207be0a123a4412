"""Event time passes as fast as asked."""

import time
from collections.abc import AsyncIterator

from producers.hashtags import TaggedTweet
from producers.pacing import Pace, paced


def test_waits_by_event_time() -> None:
    now = [100.0]
    pace = Pace(2.0, lambda: now[0])
    assert pace.wait_s(5000) == 0
    assert pace.wait_s(7000) == 1
    now[0] += 0.75
    assert pace.wait_s(7000) == 0.25
    assert pace.wait_s(4000) == 0
    assert pace.wait_s(None) == 0
    now[0] += 10
    assert pace.wait_s(7000) == 0


def test_speed_zero_never_waits() -> None:
    pace = Pace(0)
    assert pace.wait_s(0) == pace.wait_s(10**12) == 0


async def all_at_once(stamps: list[int]) -> AsyncIterator[list[TaggedTweet]]:
    yield [TaggedTweet([b"x"], stamp) for stamp in stamps]


async def test_paced_cuts_chunks_where_it_waits() -> None:
    began = time.monotonic()
    chunks = [chunk async for chunk in paced(all_at_once([0, 1, 100, 101, 200]), speed=1)]
    assert time.monotonic() - began >= 0.19
    assert len(chunks) == 3
    assert [tweet.timestamp_ms for chunk in chunks for tweet in chunk] == [0, 1, 100, 101, 200]


async def test_paced_with_speed_zero_passes_chunks_on() -> None:
    assert [len(chunk) async for chunk in paced(all_at_once([0, 10**9]), speed=0)] == [2]
