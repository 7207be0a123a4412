"""The store on disk: one RocksDB for each task.

Every access runs in a thread, so that a slow disk never holds up the event loop. A store that
RocksDB can't open, or finds damaged, is removed and built again from the changelog.
"""

import asyncio
import threading
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from streams.core.aggregation import Aggregation
from streams.core.ports import LogRecord
from streams.errors import StoreError
from streams.state.database import Database
from streams.state.store import Changes, Replayed, Stored

T = TypeVar("T")


class RocksStore:
    """See `Store`. `path` is the folder of this task's database."""

    def __init__(self, path: Path, aggregation: Aggregation[Any]) -> None:
        self._path = path
        self._database = Database(path, aggregation)
        # A task's own accesses follow each other; questions come in between, from other threads.
        self._one_at_a_time = threading.Lock()

    async def open(self) -> Stored | None:
        return await self._run("open", self._database.open)

    async def read(self, window: int, keys: Sequence[bytes]) -> list[Any]:
        return await self._run("read", lambda: self._database.read(window, keys))

    async def scan(self, window: int, after: bytes | None, limit: int) -> list[tuple[bytes, Any]]:
        return await self._run("read", lambda: self._database.scan(window, after, limit))

    async def windows(self) -> list[int]:
        return await self._run("read", self._database.windows)

    async def apply(self, changes: Changes) -> None:
        await self._run("write", lambda: self._database.apply(changes))

    async def replay(self, records: Iterable[LogRecord]) -> Replayed:
        return await self._run("write", lambda: self._database.replay(records))

    async def settle(self) -> None:
        await self._run("write", self._database.settle)

    async def wipe(self) -> None:
        await self._run("wipe", self._database.wipe)

    async def close(self) -> None:
        await self._run("close", self._database.close)

    async def _run(self, verb: str, work: Callable[[], T]) -> T:
        # Shielded: a cancelled task must not leave a thread at work on a store it then closes.
        thread = asyncio.create_task(asyncio.to_thread(self._guarded, verb, work))
        try:
            return await asyncio.shield(thread)
        except asyncio.CancelledError:
            await asyncio.wait([thread])
            raise

    def _guarded(self, verb: str, work: Callable[[], T]) -> T:
        try:
            with self._one_at_a_time:
                return work()
        except StoreError:
            raise
        except Exception as exc:  # rocksdict raises bare Exception
            # An iterator in a frame that the error refers to would keep the database open.
            traceback.clear_frames(exc.__traceback__)
            if _is_corrupt(exc):
                self._database.discard()
            raise StoreError(f"can't {verb} the store {self._path}: {exc}") from exc


def _is_corrupt(exc: Exception) -> bool:
    return "corruption" in str(exc).lower()
