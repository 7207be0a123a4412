"""Made-up tweets: the same for the same seed, Zipf-distributed, stamped as planned."""

import argparse
from collections import Counter
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from producers.cli import plan
from producers.hashtags import TaggedTweet, tagged
from producers.sources.simulate import Plan, SimulatedTweets, tweets
from streams.errors import BadInputError

PLAN = Plan(
    seed=7, tags=50, skew=1.0, rate=1000, speed=0, start_ms=1_000_000, jitter_ms=0, count=2000
)


async def made(plan: Plan) -> list[TaggedTweet]:
    return [tweet async for chunk in SimulatedTweets(plan).chunks() for tweet in chunk]


def test_the_seed_decides() -> None:
    assert list(tweets(PLAN)) == list(tweets(PLAN))
    assert list(tweets(PLAN)) != list(tweets(replace(PLAN, seed=8)))


def test_a_longer_run_begins_the_same() -> None:
    longer = islice(tweets(replace(PLAN, count=None)), 2000)
    assert list(longer) == list(tweets(PLAN))


def test_text_and_entities_say_the_same() -> None:
    for tweet in tweets(replace(PLAN, count=200)):
        by_text = tagged({key: tweet[key] for key in ("text", "created_at")})
        assert by_text == tagged(tweet)
        assert 1 <= len(by_text.hashtags) <= 3


async def test_timestamps() -> None:
    stamps = [tweet.timestamp_ms for tweet in await made(PLAN)]
    assert stamps == list(range(1_000_000, 1_002_000))
    slow = await made(replace(PLAN, rate=0.5, count=3))
    assert [tweet.timestamp_ms for tweet in slow] == [1_000_000, 1_002_000, 1_004_000]


async def test_jitter_only_makes_late() -> None:
    jittered = await made(replace(PLAN, jitter_ms=100))
    late = [due - (tweet.timestamp_ms or 0) for due, tweet in enumerate(jittered, 1_000_000)]
    assert min(late) == 0
    assert max(late) == 100
    straight = await made(PLAN)
    assert [tweet.hashtags for tweet in jittered] == [tweet.hashtags for tweet in straight]


async def test_rate_zero_is_stamped_now() -> None:
    stamps = [tweet.timestamp_ms or 0 for tweet in await made(replace(PLAN, rate=0, count=5))]
    assert min(stamps) > 1_700_000_000_000


async def test_zipf() -> None:
    counts = Counter(
        tag.lower() for tweet in await made(replace(PLAN, count=20_000)) for tag in tweet.hashtags
    )
    assert len(counts) == 50
    top = [count for _, count in counts.most_common()]
    assert top[0] / top[1] == pytest.approx(2, rel=0.1)
    assert top[0] / top[9] == pytest.approx(10, rel=0.15)
    spelled = Counter(tag for tweet in await made(PLAN) for tag in tweet.hashtags)
    assert {b"python", b"Python", b"PYTHON"} <= spelled.keys()


async def test_nothing_to_make() -> None:
    assert await made(replace(PLAN, count=0)) == []


def options(**given: Any) -> argparse.Namespace:
    defaults: dict[str, Any] = {"rate": 100.0, "speed": 1.0, "start": None, "count": None}
    defaults |= {"duration": None, "seed": 1, "tags": 10, "skew": 1.0, "jitter_ms": 0}
    return argparse.Namespace(**defaults | given)


def test_plan_of_options() -> None:
    assert plan(options(), 10_000).start_ms == 10_000
    assert plan(options(duration=3600), 10_000).count == 360_000
    hour_ago = plan(options(duration=3600, speed=0), 10_000_000)
    assert hour_ago.start_ms == 10_000_000 - 3_600_000
    assert plan(options(speed=0, start=5), 10_000).start_ms == 5
    assert plan(options(rate=0), 10_000).start_ms == 10_000


@pytest.mark.parametrize("given", [{"speed": 2.0}, {"rate": 0, "duration": 5}])
def test_plan_refuses_contradictions(given: dict[str, Any]) -> None:
    with pytest.raises(BadInputError):
        plan(options(**given), 0)
