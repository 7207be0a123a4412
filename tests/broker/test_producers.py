"""`tally-produce` against a real broker: what arrives, how it ends, how it fails."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.local import ExternalKafka, LocalKafka
from producers.hashtags import TaggedTweet
from producers.publisher import Publisher
from producers.quotes import SYMBOLS
from producers.sources.prices.simulated import PricePlan, quotes
from producers.sources.simulate import Plan, tweets
from streams.access import check_access
from streams.errors import ClusterAccessError, MissingTopicError
from streams.kafka_settings import KafkaSettings
from streams.settings import Settings
from streams.topics import ensure_topics
from tests.faults.observe import ends
from tests.polling import until_true
from tests.reading import read_all

LIMIT_S = 120


def produce(
    env: Mapping[str, str], *arguments: str, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "producers", *arguments],
        env=clean_environment() | dict(env),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def clean_environment() -> dict[str, str]:
    ours = ("STREAMS_", "KAFKA_", "BEARER_TOKEN")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def refused(env: Mapping[str, str], *arguments: str) -> str:
    """The one line that it says when it exits with 1."""
    result = produce(env, *arguments)
    assert result.returncode == 1
    [line] = result.stderr.splitlines()
    return line


async def test_simulated_tweets_arrive_once(kafka: LocalKafka | ExternalKafka, topic: str) -> None:
    arguments = ["--count", "20000", "--speed", "0", "--start", "1000000", "--rate", "1000"]
    result = await asyncio.to_thread(
        produce, kafka.env(), "simulate", "--topic", topic, "--seed", "3", *arguments
    )
    assert result.returncode == 0, result.stderr
    plan = Plan(
        seed=3,
        tags=1000,
        skew=1,
        rate=1000,
        speed=0,
        start_ms=1_000_000,
        jitter_ms=0,
        count=20_000,
    )
    expected = Counter(
        (hashtag["tag"].encode(), 1_000_000 + int(tweet["id"]))
        for tweet in tweets(plan)
        for hashtag in tweet["entities"]["hashtags"]
    )
    partitions = await read_all(kafka.client_options(), topic)
    assert Counter((r.value, r.timestamp) for part in partitions for r in part) == expected
    assert all(record.key is None for part in partitions for record in part)
    assert f"{expected.total():,} hashtags of 20,000 posts" in result.stderr
    # Round robin: all partitions get their share, and event time rises in each of them.
    assert len(partitions) == 3
    for part in partitions:
        assert part
        assert [r.timestamp for r in part] == sorted(r.timestamp for r in part)


async def test_prices_arrive_by_their_symbol(kafka: LocalKafka | ExternalKafka, topic: str) -> None:
    arguments = ["--count", "1000", "--speed", "0", "--start", "2026-01-02", "--seed", "3"]
    result = await asyncio.to_thread(produce, kafka.env(), "tickers", "--topic", topic, *arguments)
    assert result.returncode == 0, result.stderr
    assert "Published 1,000 quotes in" in result.stderr
    partitions = await read_all(kafka.client_options(), topic)
    start_ms = 1_767_312_000_000
    plan = PricePlan(seed=3, symbols=SYMBOLS, rate=5, speed=0, start_ms=start_ms, count=1000)
    expected = list(quotes(plan))
    for symbol in SYMBOLS:
        # All in one partition, in their order.
        [found] = [part for part in partitions if any(r.key == symbol.encode() for r in part)]
        mine = [(r.value, r.timestamp) for r in found if r.key == symbol.encode()]
        records = [quote.record() for quote in expected if quote.symbol == symbol]
        assert mine == [(record.value, record.timestamp_ms) for record in records]


async def test_replay_from_standard_input(kafka: LocalKafka | ExternalKafka, topic: str) -> None:
    kept = {"text": "#one #two", "created_at": "2020-01-01T00:00:00Z"}
    lines = "\n".join([json.dumps(kept), "#three", "{bad"])
    result = await asyncio.to_thread(
        produce, kafka.env(), "replay", "-", "--topic", topic, stdin=lines
    )
    assert result.returncode == 0, result.stderr
    assert "line 3 skipped" in result.stderr
    assert "1 bad lines skipped" in result.stderr
    records = [r for part in await read_all(kafka.client_options(), topic) for r in part]
    assert {record.value for record in records} == {b"one", b"two", b"three"}
    assert min(record.timestamp for record in records) == 1_577_836_800_000


async def some_written(kafka: LocalKafka | ExternalKafka, topic: str) -> bool:
    """Reading it all would take longer the more is written meanwhile."""
    tps = [(topic, partition) for partition in range(3)]
    return any((await ends(kafka.client_options(), tps, committed=True)).values())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_flushes_what_was_taken(
    kafka: LocalKafka | ExternalKafka, topic: str, how: signal.Signals
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "producers", "simulate", "--rate", "0", "--topic", topic),
        env=clean_environment() | kafka.env(),
        stderr=subprocess.PIPE,
    )
    settings = KafkaSettings.from_env(kafka.env())
    try:
        async with asyncio.timeout(LIMIT_S):
            await until_true(lambda: check_access(settings, [topic]), LIMIT_S)
            await until_true(lambda: some_written(kafka, topic), LIMIT_S)
            process.send_signal(how)
            _, stderr = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, stderr
    count = sum(len(part) for part in await read_all(kafka.client_options(), topic))
    assert f"Published {count:,} hashtags" in stderr.decode()


async def test_a_publish_that_is_cancelled_loses_nothing(
    kafka: LocalKafka | ExternalKafka, topic: str
) -> None:
    settings = Settings(kafka=KafkaSettings.from_env(kafka.env()))
    await ensure_topics(settings, [topic])
    publisher = Publisher(settings.kafka, topic)
    await publisher.start()
    try:
        many = [TaggedTweet([b"%d" % number], None) for number in range(200_000)]
        task = asyncio.create_task(publisher.publish(many))
        await until_true(lambda: publisher.sent > 0, LIMIT_S)
        task.cancel()
        await asyncio.wait({task}, timeout=LIMIT_S)
        await publisher.flush()
    finally:
        await publisher.close()
    assert task.cancelled()
    assert publisher.acked == publisher.sent
    records = [r for part in await read_all(kafka.client_options(), topic) for r in part]
    assert {r.value for r in records} == {b"%d" % number for number in range(publisher.sent)}
    assert len(records) == publisher.sent


async def test_topics_are_made_once_and_only_if_wanted(
    kafka: LocalKafka | ExternalKafka, topic: str
) -> None:
    reached = KafkaSettings.from_env(kafka.env())
    with pytest.raises(MissingTopicError, match=topic):
        await ensure_topics(Settings(kafka=reached, create_topics=False), [topic])
    assert await check_access(reached, [topic]) == {}
    settings = Settings(kafka=reached, partitions=2)
    await asyncio.gather(*(ensure_topics(settings, [topic]) for _ in range(3)))
    assert await check_access(reached, [topic]) == {topic: 2}
    with pytest.raises(ClusterAccessError, match="can't be created"):
        await ensure_topics(Settings(kafka=reached, replication=15), [f"{topic}-wide"])


def test_a_missing_topic_is_named(kafka: LocalKafka | ExternalKafka, topic: str) -> None:
    env = kafka.env() | {"STREAMS_CREATE_TOPICS": "false"}
    assert topic in refused(env, "simulate", "--count", "1", "--topic", topic)


def test_a_timestamp_that_the_broker_refuses(kafka: LocalKafka | ExternalKafka, topic: str) -> None:
    arguments = ["--count", "1", "--start", "2100-01-01T00:00:00Z", "--topic", topic]
    result = produce(kafka.env(), "simulate", *arguments)
    assert result.returncode == 1
    assert "message.timestamp.after.max.ms" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_wrong_password_is_named(secured_kafka: LocalKafka, topic: str) -> None:
    env = secured_kafka.env() | {"KAFKA_SASL_PASSWORD": "hunter2-hunter2"}
    line = refused(env, "simulate", "--count", "1", "--topic", topic)
    assert "wrong password" in line
    assert "hunter2" not in line


def test_an_unknown_ca_is_named(secured_kafka: LocalKafka, topic: str) -> None:
    env = secured_kafka.env()
    del env["KAFKA_SSL_CAFILE"]
    assert "KAFKA_SSL_CAFILE" in refused(env, "simulate", "--count", "1", "--topic", topic)


def test_the_wrong_protocol_is_named(secured_kafka: LocalKafka, topic: str) -> None:
    env = {"KAFKA_BOOTSTRAP": secured_kafka.bootstrap}
    line = refused(env, "simulate", "--count", "1", "--topic", topic)
    assert "KAFKA_SECURITY_PROTOCOL" in line


def test_a_denied_topic_is_named(secured_kafka: LocalKafka, topic: str) -> None:
    line = refused(secured_kafka.env("nobody"), "simulate", "--count", "1", "--topic", topic)
    assert f"denies user 'nobody' access to topic '{topic}'" in line


@pytest.mark.parametrize("writes_elsewhere", [False, True])
async def test_a_topic_that_may_only_be_read_is_named(
    secured_kafka: LocalKafka, topic: str, writes_elsewhere: bool
) -> None:
    settings = Settings(kafka=KafkaSettings.from_env(secured_kafka.env()))
    await ensure_topics(settings, [topic])
    await asyncio.to_thread(secured_kafka.allow, "nobody", "topic", topic, "read")
    if writes_elsewhere:
        await asyncio.to_thread(secured_kafka.allow, "nobody", "topic", "elsewhere", "write")
    result = await asyncio.to_thread(
        produce, secured_kafka.env("nobody"), "simulate", "--count", "1", "--topic", topic
    )
    assert result.returncode == 1
    assert f"denies user 'nobody' access to topic '{topic}'" in result.stderr
    assert "Traceback" not in result.stderr


async def test_the_secured_cluster_works(
    secured_kafka: LocalKafka, topic: str, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text("one\ntwo\n")
    result = await asyncio.to_thread(
        produce, secured_kafka.env(), "replay", str(kept), "--topic", topic
    )
    assert result.returncode == 0, result.stderr
    found = await read_all(secured_kafka.client_options(), topic)
    assert [record.value for part in found for record in part] == [b"one", b"two"]
