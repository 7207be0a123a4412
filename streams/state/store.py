"""The contract of a store: one task's committed state on one worker's disk.

A store is only ever written with what a committed transaction holds, in one atomic step that also
moves `position`, the changelog offset the state corresponds to. So whatever happens to the
process, the disk holds a state that once was committed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from streams.core.ports import LogRecord
from streams.state.changelog import Bookkeeping

#: Accumulators by window start (ms) and key; None deletes what is there.
Contents = dict[int, dict[bytes, Any]]


@dataclass(slots=True)
class Changes:
    """One atomic step of a store.

    `drop_before` deletes all windows that start before it (ms), whatever `contents` says of them;
    `position` is the changelog offset after the step's last record.
    """

    position: int
    bookkeeping: Bookkeeping | None = None
    contents: Contents = field(default_factory=dict)
    drop_before: int | None = None


class Stored(NamedTuple):
    """What a store knows of itself: changelog offset, and bookkeeping if it was ever complete."""

    position: int
    bookkeeping: Bookkeeping | None


class Replayed(NamedTuple):
    """What a piece of changelog held: how many records, and the newest bookkeeping, if any."""

    records: int
    bookkeeping: Bookkeeping | None


class Store(Protocol):
    """A store of one aggregation's accumulators. Only one task at a time has it open.

    Every method may raise StoreError.
    """

    async def open(self) -> Stored | None:
        """Open it, made anew if need be. None: it holds nothing."""

    async def read(self, window: int, keys: Sequence[bytes]) -> list[Any]:
        """The accumulators of `keys` in a window, in their order; None where there is none."""

    async def scan(self, window: int, after: bytes | None, limit: int) -> list[tuple[bytes, Any]]:
        """Up to `limit` keys and accumulators of a window in byte order, from behind `after` on."""

    async def windows(self) -> list[int]:
        """Starts (ms) of the windows that hold something."""

    async def apply(self, changes: Changes) -> None:
        """Make one step, whole or not at all."""

    async def replay(self, records: Iterable[LogRecord]) -> Replayed:
        """Apply changelog records as they are, in their order, in steps that may be cut anywhere.

        Windows that a bookkeeping says are closed are dropped. Before anything else is applied,
        `settle` has to be called: until then a crash may take the store back to an earlier step.
        """

    async def settle(self) -> None:
        """See that what was replayed is on disk."""

    async def wipe(self) -> None:
        """Forget everything; the store stays open."""

    async def close(self) -> None:
        """Close it. Does nothing if it is not open."""
