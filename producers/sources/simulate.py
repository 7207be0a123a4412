"""Made-up tweets whose hashtags follow Zipf's law; the same seed gives the same tweets."""

import itertools
import random
import time
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from typing import Any

from producers.hashtags import TaggedTweet, tagged
from producers.pacing import paced

CHUNK = 500

_TOPICS = (
    "python kafka faust streaming asyncio opensource linux cloud data ai music movies football "
    "tennis cycling running travel food coffee books art design photo nature weather climate "
    "space science health news politics economy startup fashion gaming comedy love summer winter "
    "monday friday party cats dogs garden history maths robots trains boats mountains sea"
).split()
_PHRASES = (
    "can't believe it's already happening",
    "good morning everyone",
    "just published a new post",
    "what a match tonight",
    "reading about this all day",
    "does anyone else feel the same?",
    "new release is out, notes in the thread",
    "so proud of the whole team",
    "this is going to be big",
    "thread below, ideas welcome",
)
# People write the same hashtag as kafka, Kafka or KAFKA.
_SPELLINGS = ((str.lower, 0.7), (str.title, 0.2), (str.upper, 0.1))
_HASHTAGS_A_TWEET = (1, 2, 3)
_HASHTAGS_A_TWEET_SHARES = (0.6, 0.3, 0.1)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to make up. Times are epoch ms; `rate` counts tweets per second of event time.

    With `rate` 0 tweets come as fast as possible and bear the time of their making.
    `count` None never ends.
    """

    seed: int
    tags: int
    skew: float
    rate: float
    speed: float
    start_ms: int
    jitter_ms: int
    count: int | None


class SimulatedTweets:
    """A Source of made-up tweets."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    async def chunks(self) -> AsyncGenerator[list[TaggedTweet], None]:
        # With rate 0 the tweets are stamped as they are made, so there is nothing to wait for.
        speed = self._plan.speed if self._plan.rate else 0
        async for chunk in paced(self._made_up(), speed):
            yield chunk

    def report(self) -> str:
        return f"seed {self._plan.seed}"

    async def _made_up(self) -> AsyncGenerator[list[TaggedTweet], None]:
        for chunk in _in_chunks(tweets(self._plan)):
            yield [tagged(tweet) for tweet in chunk]


def tweets(plan: Plan) -> Iterator[dict[str, Any]]:
    """Tweet objects as the v2 API sends them, with text, time and entities."""
    rng = random.Random(plan.seed)
    hashtags, weights = _population(plan)
    stamps = _timestamps(plan, random.Random(plan.seed + 1))
    numbers = itertools.count() if plan.count is None else iter(range(plan.count))
    while True:
        # Drawn a chunk at a time: choices() costs a third of as many single draws.
        lengths = rng.choices(_HASHTAGS_A_TWEET, _HASHTAGS_A_TWEET_SHARES, k=CHUNK)
        phrases = rng.choices(_PHRASES, k=CHUNK)
        drawn = iter(rng.choices(hashtags, cum_weights=weights, k=sum(lengths)))
        for length, phrase in zip(lengths, phrases, strict=True):
            number = next(numbers, None)
            if number is None:
                return
            mentioned = list(itertools.islice(drawn, length))
            words = " ".join([phrase, *("#" + hashtag["tag"] for hashtag in mentioned)])
            yield {
                "id": str(number),
                "text": words,
                "created_at": next(stamps),
                "entities": {"hashtags": mentioned},
            }


def _population(plan: Plan) -> tuple[list[dict[str, str]], list[float]]:
    """Every spelling of every hashtag with its cumulated weight: rank r weighs 1 / r ** skew."""
    hashtags, weights = [], []
    for index in range(plan.tags):
        again, topic = divmod(index, len(_TOPICS))
        name = _TOPICS[topic] + (str(again + 1) if again else "")
        for spell, share in _SPELLINGS:
            hashtags.append({"tag": spell(name)})
            weights.append(share / (index + 1) ** plan.skew)
    return hashtags, list(itertools.accumulate(weights))


def _timestamps(plan: Plan, rng: random.Random) -> Iterator[str]:
    second, prefix = -1, ""
    for number in itertools.count():
        if plan.rate:
            stamp = plan.start_ms + int(number * 1000 / plan.rate)
        else:
            stamp = time.time_ns() // 1_000_000
        if plan.jitter_ms:
            stamp = max(0, stamp - rng.randint(0, plan.jitter_ms))
        if stamp // 1000 != second:
            second = stamp // 1000
            prefix = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second))
        yield f"{prefix}{stamp % 1000:03d}Z"


def _in_chunks(made: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while chunk := list(itertools.islice(made, CHUNK)):
        yield chunk
