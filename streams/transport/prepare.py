"""What has to be true before the first task opens: topics, partition counts, initial offsets."""

import asyncio
import logging
import random
import time
from collections.abc import Iterable

from streams.access import check_access
from streams.core.columns import TP
from streams.core.ports import Cluster, Committed, Member
from streams.errors import FencedError, FingerprintMismatchError, MissingTopicError, OffsetLostError
from streams.settings import Settings
from streams.tasks.source_progress import SourceProgress
from streams.tasks.topology import Topology, WindowedTable
from streams.topics import ensure_topics

log = logging.getLogger(__name__)

_PARTIALS = {"cleanup.policy": "delete"}
_CHANGELOG = {"cleanup.policy": "compact"}

#: Seconds until all brokers know of a topic that was just created.
SPREAD_SECONDS = 10.0
#: How often to begin anew when other workers begin at the same moment.
BEGIN_ATTEMPTS = 20


async def prepare_topics(
    settings: Settings, topology: Topology, outputs: Iterable[str]
) -> dict[str, int]:
    """See that all topics exist, those that agents write to included; returns partition counts.

    Raises MissingTopicError, ClusterAccessError, and FingerprintMismatchError if a changelog's
    partitions can't belong to its table's.
    """
    plain = [*outputs, settings.dead_letter_topic]
    if settings.late_topic is not None:
        plain.append(settings.late_topic)
    plain += [table.source_topic for table in topology.tables]
    plain += [sink.topic for sink in topology.sinks]
    partials = [table.partials_topic for table in topology.tables]
    changelogs = [table.changelog_topic for table in topology.tables]
    durable = {"min.insync.replicas": "2"} if settings.replication >= 3 else {}
    await ensure_topics(settings, plain)
    await ensure_topics(settings, partials, {**_PARTIALS, **durable})
    await ensure_topics(settings, changelogs, {**_CHANGELOG, **durable})
    partitions = await _partition_counts(settings, [*plain, *partials, *changelogs])
    for table in topology.tables:
        _check_changelog(table, partitions)
    return partitions


async def _partition_counts(settings: Settings, topics: list[str]) -> dict[str, int]:
    """How many partitions each of `topics` has, once the broker that answers knows them all.

    Brokers learn of a new topic from the controller, each at its own time.
    """
    deadline = time.monotonic() + SPREAD_SECONDS
    while True:
        partitions = await check_access(settings.kafka, topics)
        unknown = [topic for topic in topics if not partitions.get(topic)]
        if not unknown:
            return partitions
        if time.monotonic() > deadline:
            raise MissingTopicError(f"No topic {', '.join(map(repr, unknown))}")
        await asyncio.sleep(0.05)


def _check_changelog(table: WindowedTable, partitions: dict[str, int]) -> None:
    expected = partitions[table.partials_topic]
    found = partitions[table.changelog_topic]
    if found != expected:
        raise FingerprintMismatchError(
            f"{table.changelog_topic} has {found} partitions, but {table.partials_topic} has "
            f"{expected}",
            "They must have the same number; create the changelog anew if it is empty",
        )


def begin_id(group: str) -> str:
    """The transactional id under which a group's first offsets are committed."""
    return f"{group}-begin"


async def begin_offsets(
    cluster: Cluster, group: str, table: WindowedTable, partitions: dict[str, int]
) -> None:
    """Commit a first offset for every source partition, unless they have one.

    So a source without one is known to have lost it. All are committed in one transaction under
    one id, so that of several workers that start together only one does it.

    Raises OffsetLostError if offsets are missing although the internal topics hold data, and
    FingerprintMismatchError if they were committed under other settings.
    """
    sources = [TP(table.source_topic, p) for p in range(partitions[table.source_topic])]
    for attempt in range(BEGIN_ATTEMPTS):
        # Before taking the id, which throws back any other worker that is just at this.
        if not await _missing(cluster, group, table, sources, partitions):
            return
        producer = cluster.producer(begin_id(group))
        try:
            await producer.start()
            missing = await _missing(cluster, group, table, sources, partitions)
            if not missing:
                return
            starts = {tp: Committed((await cluster.log_range(tp)).start, "") for tp in missing}
            await producer.begin()
            await producer.send_offsets(starts, Member(group, -1, ""))
            await producer.commit()
            return
        except FencedError:
            log.info("Another worker is committing the first offsets; looking again")
        finally:
            await producer.close()
        # At random, or workers that start together would fence each other for ever.
        await asyncio.sleep(random.uniform(0, 0.1 * (attempt + 1)))
    raise FencedError(f"the first offsets of {group} could not be committed")


async def _missing(
    cluster: Cluster,
    group: str,
    table: WindowedTable,
    sources: list[TP],
    partitions: dict[str, int],
) -> list[TP]:
    # A dead worker's transaction may hold newer ones. It is fenced when its task opens, not here.
    committed = await cluster.committed(group, sources, stable=False)
    for offset, metadata in committed.values():
        # Here already, so that nothing has been counted when other settings are refused.
        SourceProgress.decode(metadata, offset, table.fingerprint(partitions))
    missing = [tp for tp in sources if tp not in committed]
    if missing:
        for tp in _internal(table, partitions):
            if (await cluster.log_range(tp)).end > 0:
                raise OffsetLostError(
                    f"group {group} has no committed offset for {', '.join(map(str, missing))}, "
                    f"but {tp} holds data"
                )
    return missing


def _internal(table: WindowedTable, partitions: dict[str, int]) -> Iterable[TP]:
    for topic in (table.partials_topic, table.changelog_topic):
        yield from (TP(topic, partition) for partition in range(partitions[topic]))
