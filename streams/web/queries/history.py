"""The finals of the newest windows, in memory: what queries about closed windows are told from."""

import heapq
from collections.abc import Iterable
from typing import Any, NamedTuple

from streams.core.columns import TP
from streams.core.window_count import WindowCount
from streams.settings import Settings
from streams.verify.finals import UnreadableError, decode
from streams.web.live.messages import Message, Piece

#: Finals kept, whatever the number of windows: some 100 bytes each.
MAX_FINALS = 500_000


class Counted(NamedTuple):
    """A hashtag and how often it was counted."""

    hashtag: str
    number: int


class _Read(NamedTuple):
    """A record whose value was made JSON of."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes


def _read(message: Message) -> _Read:
    value = message.piece.as_json(message.value).encode()
    return _Read(message.offset, message.timestamp, message.key, value)


class History:
    """See the module. Listens to a follower; taking a final twice does no harm."""

    def __init__(self, settings: Settings, max_finals: int = MAX_FINALS) -> None:
        self._settings = settings
        self._max_finals = max_finals
        self._windows: dict[int, dict[str, int]] = {}
        self._finals = 0

    def restart(self) -> None:
        """Forget all: what was missed meanwhile can't be told."""
        self._windows.clear()
        self._finals = 0

    def receive(self, piece: Piece) -> None:
        """Remember the finals among a follower's results."""
        if piece.tp.topic == self._settings.output_topic:
            is_avro = self._settings.output_format == "avro"
            records = map(_read, piece.messages) if is_avro else piece.messages
            self.take(piece.tp.partition, records)

    def lost(self, tp: TP, from_offset: int, to_offset: int) -> None:
        """Nothing: what is gone is old."""

    def take(self, partition: int, records: Iterable[Any]) -> None:
        """Remember records of the output topic; what isn't a final is passed over."""
        settings = self._settings
        for record in records:
            try:
                final = decode(partition, record, settings.window_ms, settings.output_format)
            except UnreadableError:
                continue
            self._add(final.window, final.key, final.found)

    def of(self, hashtag: str) -> list[WindowCount]:
        """A hashtag's finals, newest first."""
        size = self._settings.window_ms
        return [
            WindowCount(window, window + size, counts[hashtag])
            for window, counts in sorted(self._windows.items(), reverse=True)
            if hashtag in counts
        ]

    def newest(self) -> int | None:
        """Start of the newest window that has finals (ms)."""
        return max(self._windows, default=None)

    def top(self, window: int, n: int) -> list[Counted]:
        """The `n` hashtags counted most often in a window; equal ones in alphabetical order."""
        counts = self._windows.get(window, {})
        best = heapq.nsmallest(n, counts.items(), key=lambda item: (-item[1], item[0]))
        return [Counted(*item) for item in best]

    def _add(self, window: int, hashtag: str, count: int) -> None:
        counts = self._windows.get(window)
        if counts is None:
            if self._is_full() and window < min(self._windows):
                return
            counts = self._windows[window] = {}
        self._finals += hashtag not in counts
        counts[hashtag] = count
        while len(self._windows) > 1 and self._is_over():
            self._finals -= len(self._windows.pop(min(self._windows)))

    def _is_full(self) -> bool:
        most = self._settings.queries.history_windows
        return len(self._windows) >= most or self._finals >= self._max_finals

    def _is_over(self) -> bool:
        most = self._settings.queries.history_windows
        return len(self._windows) > most or self._finals > self._max_finals
