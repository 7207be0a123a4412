"""Faust's table manager, for tables that restore themselves.

Faust would subscribe to the changelog topics and read them through its own recovery; here each task
restores its own store, so the manager only has to know the tables' names.
"""

from typing import Any

from faust.tables.manager import TableManager


class Tables(TableManager):
    """See the module."""

    def add(self, table: Any) -> Any:
        """Register a table by its name, not by its changelog topic."""
        if table.name in self:
            raise ValueError(f"Table with name {table.name!r} already exists")
        self[table.name] = table
        return table

    async def _update_channels(self) -> None:
        self._tables_finalized.set()
        self._tables_registered.set()
