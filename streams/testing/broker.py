"""A Kafka cluster in memory: everything tasks rely on, and nothing that takes time.

Modelled are logs with offsets, transaction markers and the last stable offset; transactional ids
with epochs; groups whose offsets commit with a transaction; DeleteRecords; and compaction. Tests
may reach in and damage what they like.
"""

from streams.core.columns import TP
from streams.testing.group import Group
from streams.testing.log import PartitionLog
from streams.testing.transaction import Coordinator


class Broker:
    """See the module. Workers reach it through a `Client`."""

    def __init__(self) -> None:
        self.topics: dict[str, list[PartitionLog]] = {}
        self.coordinator = Coordinator()
        self.groups: dict[str, Group] = {}

    def create_topic(self, name: str, partitions: int) -> None:
        """Create a topic, unless it exists."""
        self.topics.setdefault(name, [PartitionLog() for _ in range(partitions)])

    def partitions(self) -> dict[str, int]:
        """Number of partitions by topic."""
        return {name: len(logs) for name, logs in self.topics.items()}

    def log(self, tp: TP) -> PartitionLog:
        """One partition's log."""
        return self.topics[tp.topic][tp.partition]

    def group(self, name: str) -> Group:
        """A group; it exists once it is asked for."""
        return self.groups.setdefault(name, Group())

    def compact(self, topic: str, drop_tombstones: bool = False) -> None:
        """Compact a topic now; see `PartitionLog.compact`."""
        for log in self.topics[topic]:
            log.compact(drop_tombstones)

    def expire_offsets(self, group: str, topic: str | None = None) -> None:
        """Forget a group's offsets, as brokers do after `offsets.retention.minutes`."""
        offsets = self.group(group).offsets
        for tp in [tp for tp in offsets if topic in (None, tp.topic)]:
            del offsets[tp]
