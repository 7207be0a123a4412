"""An interval's rows by path, only so many of them in memory, the others in a temporary file."""

import os
import tempfile
import weakref
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from streams.errors import StoreError
from streams.sinks.archive.formats import Format, Row

#: Bytes that rows may come to before they go to the file.
BUFFER_BYTES = 2**22
#: What a row takes beside its value, about.
ROW_BYTES = 200


class Spill:
    """See the module. Rows may be added in one thread, and then read in several.

    The file has no name, so it is gone with the process. It is closed when nobody refers to the
    object any more, and not before: a thread that reads another file's bytes would upload them.
    """

    def __init__(self, folder: Path, format_: Format) -> None:
        self._folder = folder
        self._format = format_
        self._rows: dict[str, list[Row]] = {}
        self._pieces: dict[str, list[tuple[int, int]]] = {}
        self._buffered = 0
        self._file: BinaryIO | None = None
        self._end = 0

    @property
    def paths(self) -> Collection[str]:
        """All paths that there are rows of."""
        return self._pieces.keys()

    def add(self, path: str, row: Row, size: int) -> None:
        """Add a row behind all of its path; `size` is that of its value, in bytes."""
        rows = self._rows.get(path)
        if rows is None:
            rows = self._rows[path] = []
            self._pieces.setdefault(path, [])
        rows.append(row)
        self._buffered += size + ROW_BYTES
        if self._buffered > BUFFER_BYTES:
            self._spill()

    def pieces(self, path: str) -> Iterator[bytes]:
        """A path's rows, packed, in the order in which they were added."""
        for at, length in self._pieces[path]:
            assert self._file is not None, "pieces are made when there is a file"
            piece = os.pread(self._file.fileno(), length, at)
            if len(piece) < length:
                raise StoreError(f"a temporary file in {self._folder} has lost what was written")
            yield piece
        if rows := self._rows.get(path):
            yield self._format.pack(rows)

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115
            weakref.finalize(self, self._file.close)
        packed = [(path, self._format.pack(rows)) for path, rows in self._rows.items()]
        _write(self._file.fileno(), b"".join(piece for _, piece in packed), self._end)
        for path, piece in packed:
            self._pieces[path].append((self._end, len(piece)))
            self._end += len(piece)
        self._rows = {}
        self._buffered = 0


def _write(file: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, at)
        view, at = view[written:], at + written
