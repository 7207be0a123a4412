"""New rows of a database table, found by a column that grows.

Each row becomes a JSON object. Transactions may commit in another order than they took their
numbers; so a row waits until its number has been there for STREAMS_INGEST_TABLE_SETTLE_SECONDS, and
all smaller ones with it. Transactions that are open for longer are missed. How far the table is
read stands in the checkpoints' topic; rows published after the last checkpoint come again after a
crash, with the same `ingest-id`: table:value of the column, and the primary key.
"""

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from producers.ingest.gateway import Gateway
from producers.ingest.in_order import in_order
from producers.ingest.record import Record
from producers.ingest.table_reader import Row, TableReader
from producers.ingest.table_values import as_json, kept_as, restored, row_as_json
from streams.errors import SettingError


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
        self._name = settings.table or ""
        self._column = settings.table_column or ""
        self._reader = TableReader(
            settings.table_url.reveal(),
            self._name,
            self._column,
            settings.table_page,
            settings.table_settle_ms / 1000,
        )
        self._gateway = gateway
        self._pause_s = settings.table_interval_ms / 1000
        self._checkpoint = f"table/{self._reader.database}/{self._name}"

    async def run(self) -> None:
        table = await self._reader.ask(self._reader.table)
        primary = [column.name for column in table.primary_key]
        while True:
            height = await self._reader.ask(partial(self._reader.settled_height, table))
            if height is not None:
                await self._publish(table, primary, height)
            await asyncio.sleep(self._pause_s)

    async def _publish(self, table: Any, primary: Sequence[str], height: Any) -> None:
        """Publish the rows up to `height` that weren't."""
        kept = self._gateway.checkpoints.get(self._checkpoint)
        last = None if kept is None else restored(kept)
        pages = self._reader.pages(table, last, height)
        try:
            async with in_order(self._gateway.outlet) as put:
                while page := await self._reader.ask(partial(next, pages, None)):
                    records = [self._record(row, primary) for row in page]
                    passed = _last_before(page, self._column)
                    await put(records, partial(self._pass, passed))
                await put([], partial(self._pass, height))
        finally:
            await self._reader.ask(pages.close)

    async def _pass(self, number: Any) -> None:
        if number is None:
            return
        kept = kept_as(number)
        if kept != self._gateway.checkpoints.get(self._checkpoint):
            await self._gateway.checkpoints.put(self._checkpoint, kept)

    def _record(self, row: Row, primary: Sequence[str]) -> Record:
        """The row's record; without a primary key nothing identifies it."""
        identity = ""
        if primary:
            numbers = [row[self._column], *(row[name] for name in primary)]
            identity = f"{self._name}:{json.dumps(numbers, default=as_json)}"
        return self._gateway.record("table", row_as_json(row), identity=identity)


def _last_before(page: Sequence[Row], column: str) -> Any:
    """The highest number all of whose rows are in this page, or before it; None if there is none.

    The rows of the page's last number may be parted: it is passed when a higher one comes.
    """
    last = page[-1][column]
    return next((row[column] for row in reversed(page) if row[column] != last), None)
