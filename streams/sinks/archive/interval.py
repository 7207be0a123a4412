"""An interval's objects: gathered from records, and stored as often as it takes."""

import asyncio
import contextlib
import re
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from streams import crash_points, metrics
from streams.core.columns import TP
from streams.core.source_windows import Aside
from streams.core.unread import Unread
from streams.errors import MisfitError, StoreError, UndeliverableError, UploadError
from streams.sinks.archive.columns import values_of
from streams.sinks.archive.formats import Format
from streams.sinks.archive.paths import KEY_LENGTH, Paths
from streams.sinks.archive.settings import ArchiveSettings
from streams.sinks.archive.spill import Spill
from streams.sinks.archive.values import parser
from streams.sinks.backoff import Backoff
from streams.sinks.trouble import Trouble
from streams.tasks.archive import Letter
from streams.tasks.asides import VALUE_BYTES

#: An interval with so many objects ends.
MOST_OBJECTS = 1_000
#: One with so many dead letters, or bytes in them: they are written in one transaction.
MOST_LETTERS = 1_000
MOST_LETTER_BYTES = 2**23
#: Seconds before an object is stored once more, at most.
LONGEST_PAUSE = 30.0
#: Digits of an offset in a name, so that names sort as offsets do.
DIGITS = 12


class Cancelled(Exception):
    """The interval was closed while an object was being stored."""


#: Called now and then by what takes long: it raises to make an end of it.
Check = Callable[[], None]


class Bucket(Protocol):
    """Where objects are stored. Its calls block, and may come from several threads."""

    def find(self, prefix: str, wanted: re.Pattern[str]) -> str | None:
        """A key that begins with `prefix` and is `wanted`; None if there is none.

        Raises UploadError.
        """

    def store(self, key: str, content_type: str, file: BinaryIO, check: Check) -> int:
        """Store a file, in whole or not at all; returns its bytes. Raises UploadError."""

    def abort(self, prefix: str, wanted: re.Pattern[str]) -> None:
        """Throw away what was begun of objects and never completed: those that `find` would find.

        Raises UploadError.
        """


@dataclass(frozen=True, slots=True)
class Means:
    """What intervals of all partitions share. `folder` is for temporary files."""

    bucket: Bucket
    pool: Executor
    trouble: Trouble
    folder: Path
    sink: str


def keys_of(tp: TP) -> re.Pattern[str]:
    """The keys of all objects of a partition."""
    return re.compile(rf"(.*/)?{re.escape(str(tp))}-[0-9]{{{DIGITS},}}-[0-9]{{{DIGITS},}}\.[a-z.]+")


class ObjectsInterval:
    """See `tasks.archive.Interval`. Its settings may be those of a plan that others made."""

    def __init__(
        self, means: Means, settings: ArchiveSettings, format_: Format, tp: TP, start: int
    ) -> None:
        self.records = 0
        self.archived = 0
        self.rejected: list[Letter] = []
        self._means = means
        self._settings = settings
        self._format = format_
        self._tp = tp
        self._start = start
        self._prefix = settings.prefix(tp.topic)
        self._parse = parser(
            settings.values,
            needs_fields=bool(
                settings.path or settings.where or settings.event_time or settings.columns
            ),
        )
        room = KEY_LENGTH - len(self._prefix) - len(self._name(2**63))
        self._paths = Paths(settings.path, settings.event_time, room)
        self._spill = Spill(means.folder, format_)
        self._bytes = self._letter_bytes = 0
        self._closed = False

    @property
    def full(self) -> bool:
        return (
            self._bytes >= self._settings.interval_bytes
            or len(self._spill.paths) >= MOST_OBJECTS
            or len(self.rejected) >= MOST_LETTERS
            or self._letter_bytes >= MOST_LETTER_BYTES
        )

    async def add(self, unread: Unread, before: int | None) -> None:
        # In a thread, for parsing takes its time.
        await asyncio.to_thread(self._add, unread, before)

    def _add(self, unread: Unread, before: int | None) -> None:
        with self._disk_errors():
            while rows := unread.next_rows(before):
                for offset, timestamp, key, value in rows:
                    try:
                        self._add_record(offset, timestamp, key, unread.plain(value))
                    except (MisfitError, UndeliverableError) as exc:
                        self._reject(Aside(offset, timestamp, value, str(exc)), key)
                self.records += len(rows)
                if before is None and self.full:
                    return
                self._check()

    def _add_record(
        self, offset: int, timestamp: int, key: bytes | None, value: bytes | None
    ) -> None:
        settings = self._settings
        fields = self._parse(value)
        assert value is not None, "without a value it can't be parsed"
        if settings.where is not None and not settings.where.passes(fields):
            return
        path = self._paths.of(timestamp, fields)
        columns = values_of(settings.columns, fields)
        row = self._format.row(self._tp.partition, offset, timestamp, key, value, columns)
        self._spill.add(path, row, len(value))
        self.archived += 1
        self._bytes += len(value)

    def _reject(self, aside: Aside, key: bytes | None) -> None:
        if aside.value is not None:
            # No more of it is kept, so no more should wait in memory.
            aside = aside._replace(value=aside.value[:VALUE_BYTES])
            self._letter_bytes += len(aside.value or b"")
        self.rejected.append(Letter(aside, key))

    async def upload(self, to: int) -> None:
        await asyncio.gather(*(self._upload(path, to) for path in sorted(self._spill.paths)))

    async def _upload(self, path: str, to: int) -> None:
        """Store an object, for as long as that takes."""
        means, loop = self._means, asyncio.get_running_loop()
        key = f"{self._prefix}{path}{self._name(to)}"
        backoff = Backoff(LONGEST_PAUSE)
        while True:
            try:
                stored = await loop.run_in_executor(means.pool, self._store, path, key)
            except UploadError as exc:
                metrics.SINK_RETRIES.labels(means.sink, exc.kind).inc()
                means.trouble.failed(exc.happened)
                await asyncio.sleep(backoff.next_seconds())
            else:
                means.trouble.accepted()
                metrics.ARCHIVE_OBJECTS.labels(self._tp.topic).inc()
                metrics.ARCHIVE_BYTES.labels(self._tp.topic).inc(stored)
                return

    def _store(self, path: str, key: str) -> int:
        self._check()
        with self._disk_errors(), tempfile.TemporaryFile(dir=self._means.folder) as file:
            self._format.write(self._spill.pieces(path), file)
            crash_points.reached("in-upload")
            return self._means.bucket.store(key, self._format.content_type, file, self._check)

    def _name(self, to: int) -> str:
        """An object's name without its path: who wrote it, and of which offsets."""
        return f"{self._tp}-{self._start:0{DIGITS}}-{to:0{DIGITS}}.{self._format.suffix}"

    def _check(self) -> None:
        if self._closed:
            raise Cancelled

    @contextlib.contextmanager
    def _disk_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            raise StoreError(f"temporary files in {self._means.folder}: {exc}") from exc

    def close(self) -> None:
        self._closed = True
