"""What a reset comes to: worked out first, so that it can be shown, and refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from streams.core.columns import TP
from streams.core.ports import Cluster
from streams.errors import ResetError
from streams.settings import Settings
from streams.tasks.task import transactional_id
from streams.tasks.topology import Topology
from streams.transport.prepare import begin_id


class Begin(Enum):
    """Where in the input the application begins after a reset."""

    #: Where it has stopped: what is counted already is not counted again.
    CURRENT = "current"
    #: At the first record that is still there: all finals are written once more.
    BEGINNING = "beginning"


@dataclass(frozen=True, slots=True)
class Plan:
    """See the module.

    offsets  to commit, without metadata; a partition that is missing begins at its first record
    topics   to delete
    ids      transactional ids to fence: all under which a worker that was lost may still write
    folders  to remove on this machine
    """

    offsets: Mapping[TP, int]
    topics: list[str]
    ids: list[str]
    folders: list[Path]

    def as_text(self) -> str:
        """A line for each thing that is changed."""
        lines = [f"offset  {tp} at {at:,}" for tp, at in sorted(self.offsets.items())]
        lines += [f"delete  topic {topic}" for topic in self.topics]
        lines += [f"remove  {folder}" for folder in self.folders]
        return "\n".join(lines) or "nothing: the application has left no trace"


async def make_plan(
    settings: Settings,
    topology: Topology,
    partitions: Mapping[str, int],
    cluster: Cluster,
    begin: Begin,
) -> Plan:
    """The plan for an application whose existing topics are `partitions`. Raises ResetError."""
    sources = [table.source_topic for table in topology.tables]
    internal = [
        topic
        for table in topology.tables
        for topic in (table.partials_topic, table.changelog_topic)
    ]
    writers = [*sources, *(table.partials_topic for table in topology.tables)]
    writers += [sink.topic for sink in topology.sinks]
    ids = [transactional_id(settings.app_id, tp) for tp in _all(writers, partitions)]
    return Plan(
        offsets=await _offsets(settings.app_id, _all(sources, partitions), cluster, begin),
        topics=[topic for topic in internal if topic in partitions],
        ids=[begin_id(settings.app_id), *ids],
        folders=[folder for folder in _folders(settings) if folder.exists()],
    )


def _all(topics: list[str], partitions: Mapping[str, int]) -> list[TP]:
    return [TP(topic, p) for topic in topics for p in range(partitions.get(topic, 0))]


async def _offsets(group: str, tps: list[TP], cluster: Cluster, begin: Begin) -> dict[TP, int]:
    # Not only stable ones: a lost worker's transaction may be open, and is fenced only later.
    committed = await cluster.committed(group, tps, stable=False)
    offsets = {}
    for tp in committed:
        log = await cluster.log_range(tp)
        at = committed[tp].offset if begin is Begin.CURRENT else log.start
        if not log.start <= at <= log.end:
            raise ResetError(
                f"{tp} can't be gone on with at {at:,}: the log holds [{log.start:,}, {log.end:,})",
                "Reset with --to beginning",
            )
        offsets[tp] = at
    return offsets


def _folders(settings: Settings) -> list[Path]:
    """Those of a worker and, numbered, of `tally worker --processes`."""
    several = sorted(settings.data_dir.glob(f"worker-*/{settings.app_id}"))
    return [settings.data_dir / settings.app_id, *several]
