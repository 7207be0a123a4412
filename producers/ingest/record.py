"""What a source hands to the outlet, and what it gets back."""

from typing import NamedTuple

#: The header that identifies a record at its source: equal for what was delivered again.
ID_HEADER = "ingest-id"
#: The header of a dead letter that says why it is one, as those of workers have it.
REASON_HEADER = "reason"

#: What a record costs in memory beside its key and value, about (bytes).
OVERHEAD = 150

Headers = list[tuple[str, bytes]]
_NONE: Headers = []


class Record(NamedTuple):
    """One record to publish; `identity` is the same whenever the source delivers it again."""

    topic: str
    value: bytes | None
    key: bytes | None = None
    identity: str = ""
    #: Why it is a dead letter.
    reason: str = ""

    @property
    def size(self) -> int:
        """Bytes of key and value."""
        return len(self.value or b"") + len(self.key or b"")

    @property
    def headers(self) -> Headers:
        """What identifies it, and what is wrong with it."""
        if not self.identity and not self.reason:
            return _NONE
        named = {ID_HEADER: self.identity, REASON_HEADER: self.reason}
        return [(n, text.encode("utf-8", "backslashreplace")) for n, text in named.items() if text]


class Position(NamedTuple):
    """Where an acknowledged record is."""

    topic: str
    partition: int
    offset: int
