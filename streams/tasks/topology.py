"""What a job is made of, as far as tasks need to know it."""

from collections.abc import Mapping
from dataclasses import dataclass

from streams.core.windows import TumblingWindows
from streams.state.fingerprint import Fingerprint
from streams.tasks.archive import Archive
from streams.tasks.results import SinkBody


def partials_topic(app_id: str, table: str) -> str:
    """The topic through which a count's partial counts reach its second stage."""
    return f"{app_id}-{table}-repartition"


def changelog_topic(app_id: str, table: str) -> str:
    """The topic that holds a copy of a count's state."""
    return f"{app_id}-{table}-changelog"


@dataclass(frozen=True, slots=True)
class WindowedCount:
    """A count in two stages: partial counts at the source, merged by key after a shuffle.

    `selection` names the filter and the normalisation that lead to the key; counts made with
    another one can't be mixed with these.
    """

    name: str
    windows: TumblingWindows
    selection: str
    source_topic: str
    partials_topic: str
    changelog_topic: str

    def fingerprint(self, partitions: Mapping[str, int]) -> Fingerprint:
        """What the stored counts depend on; `partitions` are the partition counts by topic."""
        return {
            "window_ms": self.windows.size_ms,
            "grace_ms": self.windows.grace_ms,
            "selection": self.selection,
            "source_partitions": partitions[self.source_topic],
            "partitions": partitions[self.partials_topic],
        }


@dataclass(frozen=True, slots=True)
class Sink:
    """A topic whose records are delivered to somewhere outside of Kafka.

    `body` delivers those of one partition; it runs once for each task, and is cancelled with it.
    """

    name: str
    topic: str
    body: SinkBody


@dataclass(frozen=True, slots=True)
class ArchiveSink:
    """A topic whose records are archived."""

    name: str
    topic: str
    archive: Archive


@dataclass(frozen=True, slots=True)
class Topology:
    """All windowed counts and sinks of an application, found by the topics they read."""

    counts: tuple[WindowedCount, ...]
    sinks: tuple[Sink | ArchiveSink, ...] = ()

    def named(self, table: str) -> WindowedCount:
        """The count of that name, which there has to be."""
        return next(count for count in self.counts if count.name == table)

    def fed_by(self, topic: str) -> WindowedCount | None:
        """The count whose first stage reads `topic`."""
        return next((count for count in self.counts if count.source_topic == topic), None)

    def merged_from(self, topic: str) -> WindowedCount | None:
        """The count whose second stage reads `topic`."""
        return next((count for count in self.counts if count.partials_topic == topic), None)

    def delivered_from(self, topic: str) -> Sink | ArchiveSink | None:
        """The sink that delivers or archives `topic`."""
        return next((sink for sink in self.sinks if sink.topic == topic), None)
