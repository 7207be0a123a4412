"""Offsets committed in a transaction, in the name of a group's member."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaConsumer

from streams.core.columns import TP
from streams.core.ports import Committed, Member
from streams.errors import FencedError
from streams.kafka.cluster import KafkaCluster
from streams.kafka.membership import confirm, current_member
from streams.kafka.producer import KafkaProducer
from tests.application import Kafka, create_topics

Name = Callable[[str], str]
TIMEOUT_MS = 10_000


@pytest.fixture
async def cluster(kafka: Kafka, topic: str) -> AsyncIterator[KafkaCluster]:
    await create_topics(kafka.client_options(), topic, partitions=1)
    cluster = KafkaCluster(kafka.client_options(), TIMEOUT_MS)
    await cluster.start()
    yield cluster
    await cluster.stop()


@asynccontextmanager
async def joined(kafka: Kafka, topic: str, instance_id: str | None = None) -> AsyncIterator[Member]:
    """A live member of the topic's group."""
    async with AIOKafkaConsumer(
        topic, **kafka.client_options(), group_id=topic, group_instance_id=instance_id
    ) as consumer:
        while not consumer.assignment():
            await consumer.getmany(timeout_ms=50)
        member = current_member(consumer)
        assert await confirm(consumer, member)
        assert not await confirm(consumer, replace(member, generation=member.generation + 1))
        yield member


@asynccontextmanager
async def transaction(cluster: KafkaCluster, id_: str) -> AsyncIterator[KafkaProducer]:
    producer = cluster.producer(id_)
    await producer.start()
    await producer.begin()
    yield producer
    await producer.close()


async def commit(cluster: KafkaCluster, topic: str, offset: int, member: Member) -> None:
    async with transaction(cluster, topic) as producer:
        try:
            await producer.send_offsets({TP(topic, 0): Committed(offset, "said")}, member)
            await producer.commit()
        except FencedError:
            await producer.close()
            raise


async def test_a_members_commit_counts(kafka: Kafka, cluster: KafkaCluster, topic: str) -> None:
    async with joined(kafka, topic) as member:
        await commit(cluster, topic, 5, member)
        assert await cluster.committed(topic, [TP(topic, 0)]) == {TP(topic, 0): (5, "said")}


@pytest.mark.parametrize(
    "stale",
    [
        pytest.param(lambda m: replace(m, generation=m.generation - 1), id="generation"),
        pytest.param(lambda m: replace(m, member_id="somebody"), id="member"),
        pytest.param(lambda m: replace(m, member_id="somebody", instance_id="one"), id="instance"),
    ],
)
async def test_others_are_refused(
    kafka: Kafka, cluster: KafkaCluster, topic: str, stale: Callable[[Member], Member]
) -> None:
    async with joined(kafka, topic, instance_id="one") as member:
        await commit(cluster, topic, 5, member)
        with pytest.raises(FencedError):
            await commit(cluster, topic, 3, stale(member))
        assert await cluster.committed(topic, [TP(topic, 0)]) == {TP(topic, 0): (5, "said")}


async def test_nobody_may_commit_to_an_empty_group(cluster: KafkaCluster, topic: str) -> None:
    """As the first offsets are, before there is any member."""
    await commit(cluster, topic, 7, Member(topic, -1, ""))
    assert await cluster.committed(topic, [TP(topic, 0)]) == {TP(topic, 0): (7, "said")}


async def test_stable_offsets_wait_for_an_open_transaction(
    cluster: KafkaCluster, topic: str
) -> None:
    nobody, tps = Member(topic, -1, ""), [TP(topic, 0)]
    await commit(cluster, topic, 1, nobody)
    async with transaction(cluster, topic) as producer:
        await producer.send_offsets({TP(topic, 0): Committed(2, "")}, nobody)
        stable = asyncio.create_task(cluster.committed(topic, tps))
        # Answered while the stable one has to wait.
        assert await cluster.committed(topic, tps, stable=False) == {TP(topic, 0): (1, "said")}
        assert not stable.done()
        await producer.commit()
        assert await stable == {TP(topic, 0): (2, "")}


async def test_a_group_without_offsets(cluster: KafkaCluster, topic: str) -> None:
    assert await cluster.committed(topic, [TP(topic, 0)]) == {}
