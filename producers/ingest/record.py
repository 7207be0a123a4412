"""What a source hands to the outlet, and what it gets back."""

from typing import NamedTuple

#: The header that identifies a record at its source: equal for what was delivered again.
ID_HEADER = "ingest-id"

#: What a record costs in memory beside its key and value, about (bytes).
OVERHEAD = 150


class Record(NamedTuple):
    """One record to publish; `identity` is the same whenever the source delivers it again."""

    topic: str
    value: bytes | None
    key: bytes | None = None
    identity: str = ""
    #: Epoch milliseconds; None is the moment it is published.
    timestamp: int | None = None

    @property
    def size(self) -> int:
        """Bytes of key and value."""
        return len(self.value or b"") + len(self.key or b"")


class Position(NamedTuple):
    """Where an acknowledged record is."""

    topic: str
    partition: int
    offset: int
