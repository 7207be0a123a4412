"""Something fetched from a file or service, fetched again when it is old or was refused."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, NamedTuple, TypeVar

from streams.errors import ClusterAccessError

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds between two fetches, however often the cluster refuses what they bring.
REFUSED_SECONDS = 1.0


class Fetched(NamedTuple, Generic[T]):
    """A value, and for how many seconds it may be used without another look."""

    value: T
    good_for_s: float


class Remembered(Generic[T]):
    """What `fetch` got last. `fetch` may block, and raises ClusterAccessError.

    For any number of threads and event loops: the worker's consumer has its own of both. Where a
    later fetch fails, what was fetched before stays in use; the cluster tells whether it is valid.
    """

    def __init__(
        self, fetch: Callable[[], Fetched[T]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        # Of its own: those who wait for AWS mustn't take the threads that others need.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="login")
        self._last: Fetched[T] | None = None
        self._fetched_at = 0.0

    async def current(self) -> T:
        """What to use now. Raises ClusterAccessError as long as nothing could be fetched."""
        return await self._in_thread(refused=False)

    async def renewed(self) -> T:
        """What to use now that the cluster has refused what `current` gave."""
        return await self._in_thread(refused=True)

    def now(self) -> T:
        """The same as `current`, for those that may block."""
        return self._get(refused=False)

    async def _in_thread(self, *, refused: bool) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: self._get(refused=refused))

    def _get(self, *, refused: bool) -> T:
        with self._lock:
            if self._last is None:
                self._remember(self._fetch())
            elif self._clock() - self._fetched_at >= self._keep_s(self._last, refused):
                try:
                    self._remember(self._fetch())
                except ClusterAccessError as exc:
                    log.warning("%s (what was read before stays in use)", exc)
            assert self._last is not None
            return self._last.value

    def _keep_s(self, last: Fetched[T], refused: bool) -> float:
        return REFUSED_SECONDS if refused else last.good_for_s

    def _remember(self, fetched: Fetched[T]) -> None:
        self._last = fetched
        self._fetched_at = self._clock()
