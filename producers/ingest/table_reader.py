"""What a database says about one table. SQLAlchemy, of the extra `sql`, blocks: all is done in one
thread, a question after the other."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from streams.errors import SettingError, SourceError, StartError

try:
    import sqlalchemy as sa
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, NoSuchTableError, SQLAlchemyError
except ImportError as exc:
    raise StartError(
        "The source table needs SQLAlchemy", "Install it: pip install 'tally-streams[sql]'"
    ) from exc

T = TypeVar("T")
Row = dict[str, Any]


class TableReader:
    """Rows of the table `name` (perhaps with its schema) by their numbers in `column`.

    Making one raises SettingError if the URL can't be used. All of its questions raise SourceError,
    which never holds the URL.
    """

    def __init__(self, url: str, name: str, column: str, page: int, settle_s: float) -> None:
        try:
            self._engine = sa.create_engine(url, pool_pre_ping=True)
        except (ArgumentError, NoSuchModuleError, ImportError) as exc:
            problem = f"can't be used ({type(exc).__name__})"
            raise SettingError("STREAMS_INGEST_TABLE_URL", problem, "a URL of SQLAlchemy") from None
        self.database = self._engine.url.database
        self._name = name
        self._column = column
        self._page = page
        self._settle_s = settle_s
        #: The highest numbers, and when they were seen.
        self._heights: deque[tuple[float, Any]] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="table")

    async def ask(self, question: Callable[[], T]) -> T:
        """What one of the others answers."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, question)
        except SQLAlchemyError as exc:
            cause = getattr(exc, "orig", None)
            said = " ".join(str(cause or type(exc).__name__).split())
            raise SourceError(f"The database can't be asked: {said}") from None

    def table(self) -> sa.Table:
        """Its columns and primary key; raises StartError if it isn't there, or the column."""
        schema, _, name = self._name.rpartition(".")
        try:
            table = sa.Table(name, sa.MetaData(), schema=schema or None, autoload_with=self._engine)
        except NoSuchTableError:
            raise StartError(
                f"There is no table {self._name}", "See STREAMS_INGEST_TABLE"
            ) from None
        if self._column not in table.columns:
            raise StartError(
                f"{self._name} has no column {self._column!r}", "See STREAMS_INGEST_TABLE_COLUMN"
            )
        return table

    def settled_height(self, table: sa.Table) -> Any:
        """The highest number seen so long ago that no smaller one is to come; None: none so far."""
        with self._engine.connect() as connection:
            now = time.monotonic()
            highest = sa.select(sa.func.max(table.columns[self._column]))
            if (found := connection.execute(highest).scalar()) is not None:
                self._heights.append((now, found))
        settled = None
        while self._heights and now - self._heights[0][0] >= self._settle_s:
            settled = self._heights.popleft()[1]
        return settled

    def pages(self, table: sa.Table, last: Any, height: Any) -> Generator[list[Row]]:
        """The rows above `last`, if it isn't None, up to `height`, by their numbers.

        The query stays open meanwhile: rows of one number may be more than fit into memory.
        """
        column = table.columns[self._column]
        query = sa.select(table).where(column <= height).order_by(column)
        if last is not None:
            query = query.where(column > last)
        with self._engine.connect().execution_options(yield_per=self._page) as connection:
            for rows in connection.execute(query).mappings().partitions():
                yield [dict(row) for row in rows]
