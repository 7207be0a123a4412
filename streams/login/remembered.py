"""Something fetched from a file or service, fetched again when it is old or was refused."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, NamedTuple, TypeVar

from streams.errors import TallyError

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds between two fetches, however often what they bring is refused.
REFUSED_SECONDS = 1.0
#: Seconds for which what is old goes on being used after a fetch has failed, unless it is refused.
FAILED_SECONDS = 30.0


class Fetched(NamedTuple, Generic[T]):
    """A value, and for how many seconds it may be used without another look."""

    value: T
    good_for_s: float


class Remembered(Generic[T]):
    """What `fetch` got last. `fetch` may block, and raises TallyError.

    For any number of threads and event loops: the worker's consumer has its own of both. Where a
    later fetch fails, what was fetched before stays in use; its refusal tells when it is worthless.
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
        self._looked_at = 0.0
        self._failed = False

    async def current(self) -> T:
        """What to use now. Raises what `fetch` raises, as long as it has never brought anything."""
        return await self._in_thread(refused=False)

    async def renewed(self) -> T:
        """What to use now that what `current` gave was refused."""
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
                self._last = self._fetch()
                self._looked_at = self._clock()
            elif self._clock() - self._looked_at >= self._keep_s(self._last, refused):
                self._last = self._looked_again(self._last)
            return self._last.value

    def _keep_s(self, last: Fetched[T], refused: bool) -> float:
        if refused:
            return REFUSED_SECONDS
        # A service that doesn't answer would hold up each connection for as long as a look takes.
        return FAILED_SECONDS if self._failed else last.good_for_s

    def _looked_again(self, last: Fetched[T]) -> Fetched[T]:
        try:
            found = self._fetch()
            self._failed = False
        except TallyError as exc:
            log.warning("%s (what was read before stays in use)", exc)
            found = last
            self._failed = True
        self._looked_at = self._clock()
        return found
