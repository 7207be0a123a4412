"""What all tasks of a worker share."""

from dataclasses import dataclass
from functools import lru_cache

from aiokafka.partitioner import murmur2

from streams.core.ports import Clock, Cluster
from streams.settings import Settings


@lru_cache(maxsize=100_000)
def _positive_hash(key: bytes) -> int:
    """A key's hash as Java's producers take it. In Python it is slow, and keys come again."""
    return int(murmur2(key) & 0x7FFFFFFF)


@dataclass(frozen=True, slots=True)
class TaskContext:
    """See the module; `partitions` are the partition counts by topic."""

    settings: Settings
    cluster: Cluster
    clock: Clock
    partitions: dict[str, int]

    def partition_of(self, topic: str, key: bytes) -> int:
        """The partition a key belongs to, as Java's producers decide it."""
        return _positive_hash(key) % self.partitions[topic]
