"""What a file or standard input holds, as it is read in the background."""

import sys
from pathlib import Path

import pytest

from producers.blocks import BLOCK_BYTES, blocks
from streams.errors import BadInputError


async def content(path: str) -> bytes:
    """All of it."""
    return b"".join([block async for block in blocks(path)])


async def test_all_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * (9 * BLOCK_BYTES + 1))
    assert await content(str(file)) == file.read_bytes()


async def test_what_can_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInputError, match="No such file"):
        await content(str(tmp_path / "nothing"))
    with pytest.raises(BadInputError, match="directory"):
        await content(str(tmp_path))
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(BadInputError, match="Standard input can't be read"):
        await content("-")
