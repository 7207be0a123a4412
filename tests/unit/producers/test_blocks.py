"""Files and pipes are read beside the event loop, which may end before they do."""

import asyncio
import threading
from contextlib import aclosing
from pathlib import Path

import pytest

from producers.blocks import AHEAD, BLOCK_BYTES, blocks

#: The event loop ends at another moment of the reading each time.
TIMES = 100


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_who_stops_reading_hears_no_more_of_it(tmp_path: Path) -> None:
    file = tmp_path / "large"
    file.write_bytes(bytes(BLOCK_BYTES * (AHEAD + 5)))

    async def read_one() -> bytes:
        async with aclosing(blocks(str(file))) as found:
            return await anext(found)

    others = set(threading.enumerate())
    for _ in range(TIMES):
        assert asyncio.run(read_one()) == bytes(BLOCK_BYTES)
    for reader in set(threading.enumerate()) - others:
        reader.join(60)
        assert not reader.is_alive()
