"""Tally and Kafka Streams, the same job on the same broker and topic."""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks import latency, throughput
from benchmarks.kafka_streams.driver import KafkaStreams, WarmUp
from benchmarks.loaded import MIN_SECONDS, Data, loaded
from benchmarks.progress import say
from benchmarks.results import Results
from benchmarks.run import Kafka, run
from benchmarks.tally import Tally, for_old_data
from benchmarks.targets import Target

LATENCY_GRACE_MS = 1_000


@asynccontextmanager
async def warmed_up(kafka: Kafka, records: int, data: Data) -> AsyncIterator[WarmUp]:
    """A topic to warm up Java with, of the same kind of data; warms up the broker, too."""
    say("warm-up topic")
    # Fewer records, but windows close among them, too.
    rate = min(data.rate, int(records / MIN_SECONDS))
    async with loaded(kafka, data._replace(records=records, rate=rate)) as topic:
        say("warm-up run of Tally, for the broker's sake")
        await run(kafka, for_old_data(), topic.job(), topic.finals)
        yield WarmUp(topic.topic, data.partitions)


def kafka_streams(warm_up: WarmUp) -> list[Target]:
    """At its defaults, and with a longer commit interval, which costs less."""
    return [
        KafkaStreams(warm_up),
        KafkaStreams(warm_up, "Kafka Streams, commit interval 1 s", {"commit.interval.ms": "1000"}),
    ]


async def full_speed(kafka: Kafka, results: Results, args: argparse.Namespace, skew: float) -> None:
    """Records a second, CPU, memory and correctness, by population."""
    data = Data(
        int(args.millions * 1e6),
        args.event_rate,
        args.distinct,
        skew,
        grace_ms=int(args.grace * 1000),
    )
    async with warmed_up(kafka, int(args.warm_up_millions * 1e6), data) as warm_up:
        targets: list[Target] = [for_old_data()]
        if not args.only_tally:
            targets += kafka_streams(warm_up)
        await throughput.measure(
            kafka,
            data,
            targets,
            args.runs,
            lambda found: results.save(f"compare-zipf-{skew:g}", found.as_json()),
        )


async def soon(kafka: Kafka, results: Results, args: argparse.Namespace) -> None:
    """From the close of a window to its readable finals, at a steady rate."""
    data = Data(int(args.warm_up_millions * 1e6))
    plans = [
        latency.Plan(args.rate, args.seconds, int(args.short_window * 1000), LATENCY_GRACE_MS),
        # Long enough for five windows of the default size.
        latency.Plan(args.rate, 2 * args.seconds, data.window_ms, LATENCY_GRACE_MS),
    ]
    found = []
    async with warmed_up(kafka, data.records, data) as warm_up:
        targets: list[Target] = [Tally()]
        if not args.only_tally:
            targets += kafka_streams(warm_up)
        for plan in plans:
            for target in targets:
                found.append((await latency.measure(kafka, target, plan)).as_json())
                results.save("compare-latency", {"rows": found})
