"""New rows of a database table, found by a column that grows.

Each row becomes a JSON object. Transactions may commit in another order than they took their
numbers; so a row waits until its number has been there for STREAMS_INGEST_TABLE_SETTLE_SECONDS, and
all smaller ones with it. Transactions that are open for longer are missed. How far the table is
read stands in the checkpoints' topic; rows published after the last checkpoint come again after a
crash, with the same `ingest-id`: table:value of the column, and the primary key.
"""

import asyncio
import base64
import json
import time
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from producers.ingest.gateway import Gateway
from producers.ingest.in_order import in_order
from producers.ingest.record import Record
from streams.errors import SettingError, SourceError, StartError

try:
    import sqlalchemy as sa
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, NoSuchTableError, SQLAlchemyError
except ImportError as exc:
    raise StartError(
        "The source table needs SQLAlchemy", "Install it: pip install 'tally-streams[sql]'"
    ) from exc

Row = dict[str, Any]


def source(gateway: Gateway) -> "Table":
    """See `Source`."""
    return Table(gateway)


class Table:
    """See the module."""

    def __init__(self, gateway: Gateway) -> None:
        settings = gateway.settings.polled
        for variable, value in {
            "STREAMS_INGEST_TABLE_URL": settings.table_url,
            "STREAMS_INGEST_TABLE": settings.table,
            "STREAMS_INGEST_TABLE_COLUMN": settings.table_column,
        }.items():
            if value is None:
                raise SettingError(variable, "is needed for the source table")
        assert settings.table_url is not None
        try:
            self._engine = sa.create_engine(settings.table_url.reveal(), pool_pre_ping=True)
        except (ArgumentError, NoSuchModuleError, ImportError) as exc:
            problem = f"can't be used ({type(exc).__name__})"
            raise SettingError("STREAMS_INGEST_TABLE_URL", problem, "a URL of SQLAlchemy") from None
        self._gateway = gateway
        self._settings = settings
        self._where = settings.table or ""
        self._column = settings.table_column or ""
        self._checkpoint = f"table/{self._engine.url.database}/{settings.table}"
        #: The highest numbers, and when they were seen.
        self._heights: deque[tuple[float, Any]] = deque()

    async def run(self) -> None:
        table = await self._ask(self._reflected)
        column = table.columns[self._column]
        while True:
            height = await self._ask(lambda: self._settled_height(column))
            if height is not None:
                await self._publish(table, column, height)
            await asyncio.sleep(self._settings.table_interval_ms / 1000)

    async def _ask(self, work: Any) -> Any:
        """Run `work` in a thread; raises SourceError, which never holds the URL."""
        try:
            return await asyncio.to_thread(work)
        except SQLAlchemyError as exc:
            cause = getattr(exc, "orig", None)
            said = " ".join(str(cause or type(exc).__name__).split())
            raise SourceError(f"The database can't be asked: {said}") from None

    def _reflected(self) -> sa.Table:
        schema, _, name = self._where.rpartition(".")
        try:
            table = sa.Table(name, sa.MetaData(), schema=schema or None, autoload_with=self._engine)
        except NoSuchTableError:
            raise StartError(
                f"There is no table {self._where}", "See STREAMS_INGEST_TABLE"
            ) from None
        if self._column not in table.columns:
            raise StartError(
                f"{self._where} has no column {self._column!r}",
                "See STREAMS_INGEST_TABLE_COLUMN",
            )
        return table

    def _settled_height(self, column: sa.Column[Any]) -> Any:
        """The highest number seen so long ago that no smaller one is to come."""
        with self._engine.connect() as connection:
            now = time.monotonic()
            highest = connection.execute(sa.select(sa.func.max(column))).scalar()
        if highest is not None:
            self._heights.append((now, highest))
        settled = None
        while self._heights and now - self._heights[0][0] >= self._settings.table_settle_ms / 1000:
            settled = self._heights.popleft()[1]
        return settled

    async def _publish(self, table: sa.Table, column: sa.Column[Any], height: Any) -> None:
        kept = self._gateway.checkpoints.get(self._checkpoint)
        last = None if kept is None else restored(kept)
        pages = self._pages(table, column, last, height)
        async with in_order(self._gateway.outlet) as put:
            # The rows of one number may be parted by pages: it is passed when a higher one comes.
            while page := await self._ask(lambda: next(pages, None)):
                passed = _last_before(page, column.name)
                await put([self._record(table, row) for row in page], self._passed(passed))
            await put([], self._passed(height))

    def _pages(
        self, table: sa.Table, column: sa.Column[Any], last: Any, height: Any
    ) -> Iterator[list[Row]]:
        query = sa.select(table).where(column <= height).order_by(column)
        if last is not None:
            query = query.where(column > last)
        page = self._settings.table_page
        with self._engine.connect().execution_options(yield_per=page) as connection:
            for rows in connection.execute(query).mappings().partitions():
                yield [dict(row) for row in rows]

    def _passed(self, value: Any) -> Any:
        async def write() -> None:
            stored = kept_as(value)
            if value is not None and stored != self._gateway.checkpoints.get(self._checkpoint):
                await self._gateway.checkpoints.put(self._checkpoint, stored)

        return write

    def _record(self, table: sa.Table, row: Row) -> Record:
        value = json.dumps(row, ensure_ascii=False, default=as_json).encode()
        names = [column.name for column in table.primary_key]
        identity = [row[self._column], *(row[name] for name in names)]
        text = json.dumps(identity, default=as_json)
        return self._gateway.record("table", value, identity=f"{self._where}:{text}")


def _last_before(page: Sequence[Row], column: str) -> Any:
    """The highest number of a page all of whose rows are surely in it, or before it."""
    last = page[-1][column]
    return next((row[column] for row in reversed(page) if row[column] != last), None)


def as_json(value: Any) -> Any:
    """What JSON has no word for."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value)
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode()
    return str(value)


def kept_as(value: Any) -> Any:
    """A checkpoint's JSON for a number or timestamp."""
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    return {"number": str(value)}


def restored(kept: Any) -> Any:
    """What `kept_as` was given."""
    if "time" in kept:
        return datetime.fromisoformat(kept["time"])
    number = Decimal(kept["number"])
    return int(number) if number == number.to_integral_value() else number
