"""What objects look like inside."""

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Protocol

#: One record, in whatever form the format has for it.
Row = Any


class Format(Protocol):
    """Rows, packed pieces of them, and the object that they come to at last.

    Where one piece ends and the next begins is chance. An object's bytes don't depend on it.
    """

    @property
    def suffix(self) -> str:
        """What an object's name ends in."""

    @property
    def content_type(self) -> str:
        """An object's media type."""

    def row(
        self,
        partition: int,
        offset: int,
        timestamp: int,
        key: bytes | None,
        value: bytes,
        columns: tuple[Any, ...],
    ) -> Row:
        """A record; the columns' values are those that the settings ask for."""

    def pack(self, rows: Sequence[Row]) -> bytes:
        """A piece: some rows, as they are kept until the object is written."""

    def write(self, pieces: Iterator[bytes], file: BinaryIO) -> None:
        """Write an object of all its pieces."""
