"""A store in memory, for the test driver: the same contract, and a disk that survives a crash."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from streams.core.aggregation import Aggregation
from streams.core.ports import LogRecord
from streams.state.changelog import BOOKKEEPING_KEY, Bookkeeping, decode_key
from streams.state.store import Changes, Replayed, Stored


class Disk:
    """What a worker's disk holds of one store; outlives the store that wrote it."""

    def __init__(self) -> None:
        self.stored: Stored | None = None
        self.contents: dict[tuple[int, bytes], Any] = {}


async def _nothing(point: str) -> None:
    """The step before each access; a test driver puts its crash points here."""


class MemoryStore:
    """See `Store`. `before` is awaited with the name of each access."""

    def __init__(
        self,
        disk: Disk,
        aggregation: Aggregation[Any],
        before: Callable[[str], Awaitable[None]] = _nothing,
    ) -> None:
        self._disk = disk
        self._aggregation = aggregation
        self._before = before

    async def open(self) -> Stored | None:
        await self._before("store-open")
        return self._disk.stored

    async def read(self, window: int, keys: Sequence[bytes]) -> list[Any]:
        await self._before("store-read")
        return [self._disk.contents.get((window, key)) for key in keys]

    async def scan(self, window: int, after: bytes | None, limit: int) -> list[tuple[bytes, Any]]:
        await self._before("store-scan")
        found = sorted(
            (key, value)
            for (start, key), value in self._disk.contents.items()
            if start == window and (after is None or key > after)
        )
        return found[:limit]

    async def windows(self) -> list[int]:
        await self._before("store-windows")
        return sorted({start for start, _ in self._disk.contents})

    async def apply(self, changes: Changes) -> None:
        await self._before("store-apply")
        disk = self._disk
        for window, values in changes.contents.items():
            for key, value in values.items():
                if value is None:
                    disk.contents.pop((window, key), None)
                else:
                    disk.contents[window, key] = value
        if changes.drop_before is not None:
            limit = changes.drop_before
            disk.contents = {key: value for key, value in disk.contents.items() if key[0] >= limit}
        bookkeeping = changes.bookkeeping
        if bookkeeping is None and disk.stored is not None:
            bookkeeping = disk.stored.bookkeeping
        disk.stored = Stored(changes.position, bookkeeping)
        await self._before("store-applied")

    async def replay(self, records: Iterable[LogRecord]) -> Replayed:
        replayed = 0
        newest = None
        for record in records:
            changes = Changes(record.offset + 1)
            if record.key == BOOKKEEPING_KEY:
                newest = changes.bookkeeping = Bookkeeping.decode(record.value or b"")
                changes.drop_before = newest.closed_until
            else:
                window, key = decode_key(record.key or b"")
                value = record.value
                decoded = None if value is None else self._aggregation.decode(value)
                changes.contents[window] = {key: decoded}
            await self.apply(changes)
            replayed += 1
        return Replayed(replayed, newest)

    async def settle(self) -> None:
        await self._before("store-settle")

    async def wipe(self) -> None:
        await self._before("store-wipe")
        self._disk.stored = None
        self._disk.contents.clear()

    async def close(self) -> None:
        """Nothing to close."""
