"""What all tasks of a worker share."""

from dataclasses import dataclass

from streams.core import partitioning
from streams.core.ports import Clock, Cluster
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class TaskContext:
    """See the module; `partitions` are the partition counts by topic."""

    settings: Settings
    cluster: Cluster
    clock: Clock
    partitions: dict[str, int]

    def partition_of(self, topic: str, key: bytes) -> int:
        """The partition a key belongs to, as Java's producers decide it."""
        return partitioning.partition_of(key, self.partitions[topic])
