"""What all tasks of a worker share."""

from collections.abc import Callable
from dataclasses import dataclass

from streams.core import partitioning
from streams.core.ports import Clock, Cluster
from streams.core.values import ValueFormat
from streams.settings import Settings


def _raw(topic: str) -> None:
    """Of topics of raw strings."""


@dataclass(frozen=True, slots=True)
class TaskContext:
    """See the module; `partitions` are the partition counts by topic.

    `format_of` tells how a topic's values are encoded; None if they are raw strings.
    """

    settings: Settings
    cluster: Cluster
    clock: Clock
    partitions: dict[str, int]
    format_of: Callable[[str], ValueFormat | None] = _raw

    def partition_of(self, topic: str, key: bytes) -> int:
        """The partition a key belongs to, as Java's producers decide it."""
        return partitioning.partition_of(key, self.partitions[topic])
