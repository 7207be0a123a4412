"""One partition's log as a broker keeps it: records, and the markers that end transactions."""

from bisect import bisect_left
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from streams.core.ports import Record
from streams.testing.transaction import Transaction


@dataclass(slots=True)
class Entry:
    """What has one offset: a record, or, without one, the marker that ends its transaction."""

    offset: int
    record: Record | None
    transaction: Transaction | None


class Found(NamedTuple):
    """A record and its offset."""

    offset: int
    record: Record


_offset = attrgetter("offset")


class PartitionLog:
    """Offsets [start, end); `stable_end` is what read_committed sees of them."""

    def __init__(self) -> None:
        self.start = 0
        self.end = 0
        self.entries: list[Entry] = []
        # Where each transaction begins that has no marker here yet.
        self._open: dict[Transaction, int] = {}

    @property
    def stable_end(self) -> int:
        """The last stable offset: no transaction that began before it is still open."""
        return min(self._open.values(), default=self.end)

    def append(self, records: list[Record], transaction: Transaction | None = None) -> int:
        """Append records; returns the last one's offset."""
        if transaction is not None:
            transaction.join(self)
            self._open.setdefault(transaction, self.end)
        for record in records:
            self._add(record, transaction)
        return self.end - 1

    def settle(self, transaction: Transaction) -> None:
        """Write the marker that ends a transaction; it takes an offset of its own."""
        del self._open[transaction]
        self._add(None, transaction)

    def _add(self, record: Record | None, transaction: Transaction | None) -> None:
        self.entries.append(Entry(self.end, record, transaction))
        self.end += 1

    def committed(self, start: int, end: int, limit: int | None = None) -> tuple[list[Found], int]:
        """Up to `limit` committed records of [start, end), and the offset to go on from.

        That offset passes over markers, aborted records and what compaction has removed.
        """
        end = min(end, self.stable_end)
        found: list[Found] = []
        for entry in self.entries[bisect_left(self.entries, start, key=_offset) :]:
            if entry.offset >= end:
                break
            if entry.record is not None and _is_committed(entry):
                if limit == len(found):
                    return found, found[-1].offset + 1
                found.append(Found(entry.offset, entry.record))
        return found, max(start, end)

    def delete_before(self, offset: int) -> None:
        """Move the start of the log."""
        self.start = max(self.start, min(offset, self.end))
        self.entries = [entry for entry in self.entries if entry.offset >= self.start]

    def compact(self, drop_tombstones: bool = False) -> None:
        """Keep only the newest record of each key below the last stable offset.

        Offsets stay as they are. `drop_tombstones`: as if `delete.retention.ms` had passed.
        """
        stable_end = self.stable_end
        newest = {
            entry.record.key: entry.offset
            for entry in self.entries
            if entry.offset < stable_end and entry.record is not None and _is_committed(entry)
        }

        def stays(entry: Entry) -> bool:
            if entry.offset >= stable_end:
                return True
            record = entry.record
            if record is None or newest.get(record.key) != entry.offset:
                return False
            return record.value is not None or not drop_tombstones

        self.entries = [entry for entry in self.entries if stays(entry)]


def _is_committed(entry: Entry) -> bool:
    return entry.transaction is None or entry.transaction.committed
