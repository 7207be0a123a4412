"""Carries a reset out: fence, commit, delete; each step may be repeated if a later one failed.

In this order, because the broker refuses the offsets while the group has members: nothing is
deleted under a worker that has just started. Should the reset break off after that, workers stop
by themselves, for the partial counts no longer follow each other; it has to be repeated.
"""

import asyncio
import shutil
import time
from collections.abc import Mapping, Sequence
from typing import Any

import aiokafka.errors as kafka_errors
from aiokafka.admin import AIOKafkaAdminClient

from streams.access import check_access
from streams.core.ports import Cluster
from streams.errors import ResetError
from streams.reset.group import commit_outside, refuse_if_running
from streams.reset.open_windows import what_is_open
from streams.reset.plan import Begin, Plan, make_plan
from streams.settings import Settings
from streams.tasks.topology import Topology

#: Transactional ids that are fenced at the same time.
FENCED_AT_ONCE = 8
#: Seconds until all brokers have forgotten the topics.
FORGET_SECONDS = 30.0


async def prepare(
    settings: Settings, topology: Topology, cluster: Cluster, begin: Begin, discard: bool
) -> Plan:
    """Look at what there is; changes nothing. Raises ResetError if it may not be reset."""
    await refuse_if_running(settings.kafka.client_options(), settings.app_id)
    topics = [topic for t in topology.tables for topic in (t.source_topic, t.partials_topic)]
    topics += [table.changelog_topic for table in topology.tables]
    topics += [sink.topic for sink in topology.sinks]
    partitions = await check_access(settings.kafka, topics)
    plan = await make_plan(settings, topology, partitions, cluster, begin)
    if begin is Begin.CURRENT and not discard:
        await _refuse_if_open(settings, topology, cluster, partitions)
    return plan


async def carry_out(settings: Settings, cluster: Cluster, plan: Plan) -> None:
    """Do it. Raises ResetError, and ClusterAccessError."""
    await _fence(cluster, plan.ids)
    await commit_outside(settings.kafka.client_options(), settings.app_id, plan.offsets)
    await _delete(settings, plan.topics)
    for folder in plan.folders:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _refuse_if_open(
    settings: Settings, topology: Topology, cluster: Cluster, partitions: Mapping[str, int]
) -> None:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    open_ = await what_is_open(cluster, topology, partitions, settings.data_dir)
    if open_:
        raise ResetError(
            "Counts would be lost: " + "; ".join(open_),
            "Drain: run the workers with their former settings and without producers until "
            "streams_open_windows is 0 everywhere. Or accept it: --discard-open-windows",
        )


async def _fence(cluster: Cluster, ids: Sequence[str]) -> None:
    """A worker that was only asleep can't end its transaction any more, offsets included."""
    turn = asyncio.Semaphore(FENCED_AT_ONCE)

    async def fence(transactional_id: str) -> None:
        async with turn:
            producer = cluster.producer(transactional_id)
            try:
                await producer.start()
            finally:
                await producer.close()

    await asyncio.gather(*map(fence, ids))


async def _delete(settings: Settings, topics: list[str]) -> None:
    if not topics:
        return
    admin = AIOKafkaAdminClient(**settings.kafka.client_options())
    try:
        await admin.start()
        response: Any = await admin.delete_topics(topics)
    finally:
        await admin.close()
    gone = (kafka_errors.NoError, kafka_errors.UnknownTopicOrPartitionError)
    for name, code, *_ in response.topic_error_codes:
        error = kafka_errors.for_code(code)
        if error not in gone:
            raise error(name)
    await _until_gone(settings, topics)


async def _until_gone(settings: Settings, topics: list[str]) -> None:
    """Brokers delete topics in the background; a worker that starts mustn't find them."""
    deadline = time.monotonic() + FORGET_SECONDS
    while await check_access(settings.kafka, topics):
        if time.monotonic() > deadline:
            raise ResetError(
                f"{', '.join(topics)} are still there after {FORGET_SECONDS:g} s",
                "Look at the brokers, then repeat the reset",
            )
        await asyncio.sleep(0.1)
