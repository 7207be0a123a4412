"""One RocksDB database on disk, with blocking calls: what a store holds, and how it is written."""

import logging
import shutil
import struct
import time
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from rocksdict import (
    BlockBasedOptions,
    Cache,
    Options,
    Rdict,
    WriteBatch,
    WriteOptions,
)

from streams.core.aggregation import VERSION, Aggregation
from streams.core.ports import LogRecord
from streams.errors import StoreError
from streams.state.changelog import (
    BOOKKEEPING_KEY,
    Bookkeeping,
    decode_key,
    window_prefix,
)
from streams.state.store import Changes, Replayed, Stored

log = logging.getLogger(__name__)

# Behind every accumulator: those begin with a window start, whose first byte is below 0x80.
_POSITION = b"\xfeposition"
_BOOKKEEPING = b"\xfebookkeeping"
_OFFSET = struct.Struct(">q")

_BLOCK_CACHE_BYTES = 8 * 2**20
_WRITE_BUFFER_BYTES = 8 * 2**20
#: Records that a replay writes at once. RocksDB is written under Python's lock, which nothing else
#: in the process gets meanwhile: so many take about 4 ms.
_REPLAY_RECORDS = 4000
#: Seconds until a replay tries again where RocksDB can't take any more for now.
_STALL_SECONDS = 0.005


def _options() -> Options:
    table = BlockBasedOptions()
    table.set_block_cache(Cache(_BLOCK_CACHE_BYTES))
    table.set_bloom_filter(10, False)
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_block_based_table_factory(table)
    options.set_write_buffer_size(_WRITE_BUFFER_BYTES)
    options.set_max_write_buffer_number(2)
    # Twice the default: a restore then takes a fifth less, and filters make files cheap to ask.
    options.set_level_zero_file_num_compaction_trigger(8)
    options.set_keep_log_file_num(2)
    options.set_max_log_file_size(2**20)
    return options


class Database:
    """See `Store`. rocksdict raises bare Exception, which is left to the caller."""

    def __init__(self, path: Path, aggregation: Aggregation[Any]) -> None:
        self._path = path
        self._aggregation = aggregation
        self._db: Rdict | None = None
        # Whether a replay has written what is neither in RocksDB's log nor in its tables.
        self._unlogged = False
        self._dropped_before = 0

    @property
    def _open_db(self) -> Rdict:
        if self._db is None:
            raise StoreError(f"the store {self._path} is not open")
        return self._db

    def open(self) -> Stored | None:
        self._path.mkdir(parents=True, exist_ok=True)
        try:
            self._db = Rdict(str(self._path), _options())
            return self._stored()
        except Exception as exc:
            if _is_locked(exc):
                raise
            self.discard()
            self.wipe()
            return None

    def _stored(self) -> Stored | None:
        db = self._open_db
        position = db.get(_POSITION)
        if position is None:
            return None
        raw = db.get(_BOOKKEEPING)
        bookkeeping = None if raw is None else Bookkeeping.decode(raw)
        return Stored(_OFFSET.unpack(position)[0], bookkeeping)

    def read(self, window: int, keys: Sequence[bytes]) -> list[Any]:
        # One call for all keys: rocksdict turns a list into RocksDB's MultiGet.
        prefix = window_prefix(window)
        found: list[bytes | None] = self._open_db.get([prefix + key for key in keys])  # type: ignore[assignment]
        decode = self._aggregation.decode
        return [None if raw is None else decode(raw) for raw in found]

    def scan(self, window: int, after: bytes | None, limit: int) -> list[tuple[bytes, Any]]:
        prefix = window_prefix(window)
        # The smallest key behind `after` is itself with a zero byte.
        start = prefix if after is None else prefix + after + b"\0"
        decode = self._aggregation.decode
        found: list[tuple[bytes, Any]] = []
        keys = self._open_db.iter()
        keys.seek(start)
        while keys.valid() and len(found) < limit:
            key = keys.key()
            if not key.startswith(prefix):
                break
            found.append((key[len(prefix) :], decode(keys.value())))
            keys.next()
        keys.status()  # raises if it was damage that ended the loop, and not the last key
        return found

    def windows(self) -> list[int]:
        found: list[int] = []
        keys = self._open_db.iter()
        keys.seek_to_first()
        while keys.valid() and keys.key() < _BOOKKEEPING:
            window = decode_key(keys.key()).window
            found.append(window)
            keys.seek(window_prefix(window + 1))
        keys.status()
        return found

    def apply(self, changes: Changes) -> None:
        db = self._open_db
        batch = WriteBatch(raw_mode=True)
        encode = self._aggregation.encode
        for window, values in changes.contents.items():
            if changes.drop_before is not None and window < changes.drop_before:
                continue  # the range that is deleted below holds them all
            prefix = window_prefix(window)
            for key, value in values.items():
                if value is None:
                    batch.delete(prefix + key)
                else:
                    batch.put(prefix + key, encode(value))
        if changes.drop_before is not None:
            batch.delete_range(window_prefix(0), window_prefix(changes.drop_before))
        if changes.bookkeeping is not None:
            batch.put(_BOOKKEEPING, changes.bookkeeping.encode())
        batch.put(_POSITION, _OFFSET.pack(changes.position))
        db.write(batch)

    def replay(self, records: Iterable[LogRecord]) -> Replayed:
        """Put keys and values as they are: the log's bytes are the store's."""
        records = iter(records)
        size = self._aggregation.size
        replayed, newest = 0, None
        while True:
            batch = WriteBatch(raw_mode=True)
            put, delete = batch.put, batch.delete
            record, books = None, None
            for record in islice(records, _REPLAY_RECORDS):
                key, value = record.key, record.value
                if value is None:
                    delete(key)  # type: ignore[arg-type]  # all have a key
                elif len(value) == size and value[0] == VERSION and key != BOOKKEEPING_KEY:
                    put(key, value)  # type: ignore[arg-type]
                else:
                    books = _bookkeeping_of(key, value)
                    put(_BOOKKEEPING, value)
            if record is None:
                return Replayed(replayed, newest)
            replayed += batch.len()
            if books is not None:
                newest = books
                self._drop_before(books.closed_until, batch)
            batch.put(_POSITION, _OFFSET.pack(record.offset + 1))
            self._write_unlogged(batch)

    def _drop_before(self, limit: int, batch: WriteBatch) -> None:
        # A disk older than the changelog's tombstones may hold windows closed long ago. Once is
        # enough: each range that is deleted slows down reading.
        if limit > self._dropped_before:
            batch.delete_range(window_prefix(0), window_prefix(limit))
            self._dropped_before = limit

    def _write_unlogged(self, batch: WriteBatch) -> None:
        """Write without RocksDB's own log: what a crash takes away is replayed again."""
        db = self._open_db
        self._unlogged = True
        while True:
            try:
                db.write(batch, _UNLOGGED)
                return
            except Exception as exc:
                if not _is_stalled(exc):
                    raise
            # RocksDB itself would wait for its flushes under Python's lock.
            time.sleep(_STALL_SECONDS)

    def settle(self) -> None:
        if self._unlogged:
            self._open_db.flush(True)
            self._unlogged = False

    def close(self) -> None:
        try:
            self.settle()
        finally:
            self._let_go()

    def discard(self) -> None:
        """Remove a damaged database, so that the next open restores it from the changelog."""
        log.warning("The store %s is damaged; it is built again from the changelog", self._path)
        self._let_go()
        shutil.rmtree(self._path, ignore_errors=True)

    def wipe(self) -> None:
        self._let_go()
        shutil.rmtree(self._path, ignore_errors=True)
        self._path.mkdir(parents=True, exist_ok=True)
        self._db = Rdict(str(self._path), _options())

    def _let_go(self) -> None:
        db, self._db = self._db, None
        self._unlogged, self._dropped_before = False, 0
        if db is not None:
            db.close()


def _without_log() -> WriteOptions:
    options = WriteOptions()
    options.disable_wal = True  # type: ignore[method-assign,assignment]
    options.no_slowdown = True
    return options


_UNLOGGED = _without_log()


def _bookkeeping_of(key: bytes | None, value: bytes) -> Bookkeeping:
    """The bookkeeping in a record of that key; raises StoreError if it has another."""
    if key != BOOKKEEPING_KEY:
        raise StoreError("an accumulator of an unknown version", "Use the release that wrote it")
    return Bookkeeping.decode(value)


def _is_stalled(exc: Exception) -> bool:
    """Whether RocksDB would have waited, and was told not to."""
    return "Result incomplete" in str(exc)


def _is_locked(exc: Exception) -> bool:
    """Whether another process has the database open: then it is not damaged, and not ours."""
    return "/LOCK:" in str(exc)
