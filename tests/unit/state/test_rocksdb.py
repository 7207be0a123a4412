"""What can happen to RocksDB's files: damage, other processes, cancelled tasks."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from streams.core.counts import COUNTING
from streams.errors import StoreError
from streams.state.changelog import Bookkeeping
from streams.state.rocksdb import RocksStore
from streams.state.store import Changes, Stored

BOOKS = Bookkeeping.begin("an id", {}, 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


async def fill(path: Path) -> None:
    """A store that was closed in good order."""
    store = RocksStore(path, COUNTING)
    await store.open()
    await store.apply(Changes(7, BOOKS, {10: {b"tag%d" % i: i for i in range(5000)}}))
    await store.close()


def damage(path: Path, pattern: str) -> None:
    """Overwrite the middle of all files of that name."""
    files = list(path.glob(pattern))
    assert files, f"there is no {pattern}"
    for file in files:
        data = bytearray(file.read_bytes())
        middle = slice(len(data) // 4, max(len(data) // 4 + 1, len(data) * 3 // 4))
        data[middle] = b"\xff" * len(data[middle])
        file.write_bytes(data)


@pytest.mark.parametrize("pattern", ["CURRENT", "MANIFEST-*"])
async def test_a_database_that_can_not_be_opened_is_begun_anew(
    path: Path, pattern: str, caplog: pytest.LogCaptureFixture
) -> None:
    await fill(path)
    damage(path, pattern)
    store = RocksStore(path, COUNTING)
    assert await store.open() is None
    assert f"The store {path} is damaged" in caplog.text
    assert await store.windows() == []
    await store.apply(Changes(9, BOOKS, {20: {b"a": 1}}))
    await store.close()
    again = RocksStore(path, COUNTING)
    assert await again.open() == Stored(9, BOOKS)
    await again.close()


@pytest.mark.parametrize(
    "access",
    [
        lambda store: store.scan(10, None, 5000),
        lambda store: store.read(10, [b"tag%d" % i for i in range(5000)]),
    ],
    ids=["scan", "read"],
)
async def test_damage_that_shows_on_reading_is_an_error_and_the_store_is_begun_anew(
    path: Path, caplog: pytest.LogCaptureFixture, access: Callable[[RocksStore], Awaitable[object]]
) -> None:
    await fill(path)
    damage(path, "*.sst")
    store = RocksStore(path, COUNTING)
    assert await store.open() == Stored(7, BOOKS)
    with pytest.raises(StoreError, match="can't read the store"):
        await access(store)
    assert f"The store {path} is damaged" in caplog.text
    await store.close()
    again = RocksStore(path, COUNTING)
    assert await again.open() is None
    await again.close()


@pytest.fixture
def locked(path: Path) -> Iterator[None]:
    """Another process has the database open."""
    program = (
        "import sys; from rocksdict import Rdict, Options; "
        "db = Rdict(sys.argv[1], Options(raw_mode=True)); print('open', flush=True); "
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        yield
        other.communicate()


@pytest.fixture
async def filled(path: Path) -> None:
    await fill(path)


@pytest.mark.usefixtures("filled", "locked")
async def test_a_database_that_another_process_has_open_is_left_alone(path: Path) -> None:
    store = RocksStore(path, COUNTING)
    with pytest.raises(StoreError, match=r"can't open the store .*lock"):
        await store.open()
    await store.close()
    damage(path, "*.sst")  # they are still there


async def test_a_store_that_is_not_open_says_so(path: Path) -> None:
    store = RocksStore(path, COUNTING)
    with pytest.raises(StoreError, match="is not open"):
        await store.windows()
    with pytest.raises(StoreError, match="is not open"):
        await store.apply(Changes(1))


async def test_a_folder_that_can_not_be_made_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="can't open the store"):
        await RocksStore(tmp_path / "file" / "store", COUNTING).open()


async def test_a_cancelled_step_ends_before_the_store_is_closed(path: Path) -> None:
    store = RocksStore(path, COUNTING)
    await store.open()
    step = asyncio.create_task(
        store.apply(Changes(1, BOOKS, {0: {b"tag%d" % i: 1 for i in range(20_000)}}))
    )
    await asyncio.sleep(0)
    step.cancel()
    with pytest.raises(asyncio.CancelledError):
        await step
    await store.close()
    again = RocksStore(path, COUNTING)
    assert await again.open() == Stored(1, BOOKS)
    assert len(await again.scan(0, None, 30_000)) == 20_000
    await again.close()


REPLAY_AND_DIE = """
import asyncio, os, sys
from collections import namedtuple
from pathlib import Path
from streams.core.counts import COUNTING, encode_count
from streams.state.changelog import window_prefix
from streams.state.rocksdb import RocksStore

Logged = namedtuple("Logged", "offset key value")

async def main():
    store = RocksStore(Path(sys.argv[1]), COUNTING)
    await store.open()
    for first in range(0, 600_000, 50_000):
        await store.replay(
            Logged(i, window_prefix(10) + b"tag%d" % (i % 100_000), encode_count(i))
            for i in range(first, first + 50_000)
        )
        if first == int(sys.argv[2]):
            await store.settle()
    os._exit(0)

asyncio.run(main())
"""


@pytest.mark.parametrize("settled_at", [-1, 550_000])
async def test_a_crash_in_a_replay_leaves_an_earlier_step(path: Path, settled_at: int) -> None:
    command = [sys.executable, "-c", REPLAY_AND_DIE, str(path), str(settled_at)]
    await asyncio.to_thread(subprocess.run, command, check=True)
    store = RocksStore(path, COUNTING)
    stored = await store.open()
    # Full write buffers reach the disk by themselves; what doesn't fill one is lost.
    position = stored.position if stored is not None else 0
    if settled_at < 0:
        assert 0 < position < 600_000
    else:
        assert position == 600_000
    counts = await store.read(10, [b"tag%d" % i for i in range(100_000)])
    for i, count in enumerate(counts):
        newest = range(i, position, 100_000)
        assert count == (newest[-1] if newest else None), f"tag{i} at {position}"
    await store.close()
