"""Counts of windows that are still open, for those who asked: the newest one of each such key.

They come from the records of a changelog; see `streams.state.changelog`. Tens of thousands of keys
may change in a second, so what nobody wants is passed over quickly. No I/O here.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple, Protocol

from streams.core.counts import COUNTING, decode_count
from streams.core.ports import LogRecord
from streams.state.changelog import BOOKKEEPING_KEY, WINDOW_BYTES, decode_key


class ChangelogRecord(LogRecord, Protocol):
    """A record of a changelog; `timestamp` in ms since the epoch."""

    @property
    def timestamp(self) -> int: ...


class Count(NamedTuple):
    """A count in the open window that starts at `window`, committed at `timestamp`; both in ms."""

    key: bytes
    window: int
    number: int
    timestamp: int


class _Wanted:
    """What is known of one key; all windows up to the one that starts at `closed` are closed."""

    __slots__ = ("closed", "newest")

    def __init__(self) -> None:
        self.closed = -1
        self.newest: Count | None = None


class Provisional:
    """See the module."""

    def __init__(self) -> None:
        self._wanted: dict[bytes, _Wanted] = {}
        self._changed: set[bytes] = set()

    def watch(self, keys: Collection[bytes]) -> None:
        """Watch these keys from now on, and no others."""
        for key in self._wanted.keys() - keys:
            del self._wanted[key]
            self._changed.discard(key)
        for key in keys - self._wanted.keys():
            self._wanted[key] = _Wanted()

    def take(self, records: Iterable[ChangelogRecord]) -> None:
        """Look through what has come of the changelog, in the order of its log."""
        wanted = self._wanted
        for record in records:
            key = record.key
            if key is None or key[WINDOW_BYTES:] not in wanted or key == BOOKKEEPING_KEY:
                continue
            self._note(*decode_key(key), record)

    def closed(self, key: bytes | None, window: int) -> None:
        """Note that a key's window that starts at `window` (ms) is closed, as are those before."""
        known = self._wanted.get(key) if key is not None else None
        if known is None:
            return
        known.closed = max(known.closed, window)
        if known.newest is not None and known.newest.window <= known.closed:
            known.newest = None

    def changed(self) -> list[bytes]:
        """The keys that have a count which `newest` hasn't told yet."""
        return sorted(self._changed)

    def newest(self, key: bytes) -> Count | None:
        """A key's count in its newest window; None if it has none that may be open."""
        self._changed.discard(key)
        known = self._wanted.get(key)
        return known.newest if known is not None else None

    def _note(self, window: int, key: bytes, record: ChangelogRecord) -> None:
        value = record.value
        if value is None:
            self.closed(key, window)
            return
        known = self._wanted[key]
        overtaken = known.newest is not None and window < known.newest.window
        if len(value) == COUNTING.size and window > known.closed and not overtaken:
            known.newest = Count(key, window, decode_count(value), record.timestamp)
            self._changed.add(key)
