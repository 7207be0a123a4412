"""What a job is made of, as far as tasks need to know it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from streams.core.aggregating import Events
from streams.core.aggregation import Aggregation
from streams.core.counts import COUNTING
from streams.core.ports import Record
from streams.core.windows import TumblingWindows
from streams.state.fingerprint import Fingerprint
from streams.tasks.archive import Archive
from streams.tasks.results import SinkBody


def partials_topic(app_id: str, table: str) -> str:
    """The topic through which a table's partials reach its second stage."""
    return f"{app_id}-{table}-repartition"


def changelog_topic(app_id: str, table: str) -> str:
    """The topic that holds a copy of a table's state."""
    return f"{app_id}-{table}-changelog"


@dataclass(frozen=True, slots=True)
class Updates:
    """Tells of each change of what a key's records of all time come to.

    `record` makes a record of a key and what its accumulator emits. A change that makes no other
    record than before is not told.
    """

    topic: str
    record: Callable[[bytes, Any], Record]


@dataclass(frozen=True, slots=True)
class WindowedTable:
    """A table in two stages: partials at the source, merged by key after a shuffle.

    `selection` names the filter and the normalisation that lead to the key; what was made with
    another one can't be mixed with this. All but counts have `events`.
    """

    name: str
    windows: TumblingWindows
    selection: str
    source_topic: str
    partials_topic: str
    changelog_topic: str
    aggregation: Aggregation[Any] = COUNTING
    events: Events | None = None
    updates: Updates | None = None

    def fingerprint(self, partitions: Mapping[str, int]) -> Fingerprint:
        """What the stored state depends on; `partitions` are the partition counts by topic."""
        found: Fingerprint = {
            "window_ms": self.windows.size_ms,
            "grace_ms": self.windows.grace_ms,
            "selection": self.selection,
            "source_partitions": partitions[self.source_topic],
            "partitions": partitions[self.partials_topic],
        }
        if self.events is not None:
            found |= {
                "aggregation": self.aggregation.name,
                "delay_ms": self.events.delay_ms,
                "for_ever": self.updates is not None,
            }
        return found


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
    """All tables and sinks of an application, found by the topics they read."""

    tables: tuple[WindowedTable, ...]
    sinks: tuple[Sink | ArchiveSink, ...] = ()

    def named(self, name: str) -> WindowedTable:
        """The table of that name, which there has to be."""
        return next(table for table in self.tables if table.name == name)

    def fed_by(self, topic: str) -> WindowedTable | None:
        """The table whose first stage reads `topic`."""
        return next((table for table in self.tables if table.source_topic == topic), None)

    def merged_from(self, topic: str) -> WindowedTable | None:
        """The table whose second stage reads `topic`."""
        return next((table for table in self.tables if table.partials_topic == topic), None)

    def delivered_from(self, topic: str) -> Sink | ArchiveSink | None:
        """The sink that delivers or archives `topic`."""
        return next((sink for sink in self.sinks if sink.topic == topic), None)
