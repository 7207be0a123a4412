"""The streaming reference, held against the tests' own and against the engine's counting."""

import random
import re
from collections import Counter
from pathlib import Path

import pytest

from streams.core.columns import TP, Chunk, Rows
from streams.core.counting import SourceCounter
from streams.core.selection import Keyed, Selector, Step
from streams.core.text import longer_than_one, trim
from streams.core.windows import TumblingWindows
from streams.verify import reference as judged
from streams.verify.reference import Reference
from tests import reference

WINDOW, GRACE, ABOVE, MAX_BYTES, NEWEST = 20, 7, 2, 30, 2_000
VALUES: list[bytes | None] = [
    b"#a",
    b"#A",
    b" #a ",
    b"#b",
    "#Ö".encode(),
    "😀".encode(),
    "#İ".encode(),
    "#Σς".encode(),
]
VALUES += [b"", b"x", b"  ", b"\t\n", b"\x00#a", "\u00a0#a".encode(), b"\xff\xfe", None, b"#" * 31]

Stamped = list[tuple[bytes | None, int]]


def rows_of(random_: random.Random) -> Stamped:
    now = 0
    rows: Stamped = []
    for _ in range(400):
        now += random_.randrange(5)
        late = random_.randrange(60) if random_.random() < 0.3 else 0
        rows.append((random_.choice(VALUES), max(-1, now - late)))
    return rows


def streamed(partitions: list[Stamped], random_: random.Random) -> dict[tuple[str, int], int]:
    """Finals of all windows that the records close; taken now and then, in any interleaving."""
    counted = Reference(len(partitions), WINDOW, GRACE, ABOVE, MAX_BYTES, NEWEST)
    left = [list(rows) for rows in partitions]
    finals: dict[tuple[str, int], int] = {}
    while any(left):
        p = random_.choice([p for p, rows in enumerate(left) if rows])
        counted.add(p, *left[p].pop(0))
        closed_until = counted.first_open(min(counted.stream_times))
        for start, counts in counted.take(closed_until).items():
            for tag, n in counts.items():
                assert (tag, start) not in finals
                finals[tag, start] = n
    return finals


def test_it_shares_nothing_with_what_it_judges() -> None:
    source = Path(judged.__file__).read_text(encoding="utf-8")
    assert re.findall(r"^ *(?:from|import) (\S+)", source, re.MULTILINE) == ["collections"]


@pytest.mark.parametrize("seed", range(20))
def test_it_is_what_the_tests_reference_says(seed: int) -> None:
    random_ = random.Random(seed)
    partitions = [rows_of(random_) for _ in range(3)]
    fitting = [
        [(None if v is not None and len(v) > MAX_BYTES else v, t) for v, t in rows]
        for rows in partitions
    ]
    expected = reference.finals(fitting, WINDOW, GRACE, ABOVE)
    assert len(expected) > 20
    assert streamed(partitions, random_) == expected


@pytest.mark.parametrize("seed", range(20))
def test_the_engine_counts_the_same(seed: int) -> None:
    """One partition of one stage: what is on time, under which key, and its stream time."""
    rows = rows_of(random.Random(seed))
    rows += [(b"#far", NEWEST), (b"#far", NEWEST + 1), (b"#far", NEWEST)]
    counted = Reference(1, WINDOW, GRACE, 0, MAX_BYTES, NEWEST)
    engine = SourceCounter(TumblingWindows(WINDOW, GRACE), 1)
    steps = (Step(longer_than_one, True), Step(str.lower, False), Step(trim, False))
    select = Selector(steps, lambda _: 0, MAX_BYTES)
    for value, timestamp in rows:
        counted.add(0, value, timestamp)
        engine.count(Chunk(TP("in", 0), 0, 1, [Rows([(0, timestamp, value)])]), select, NEWEST)
        assert counted.stream_times[0] == engine.stream_time
    by_engine: dict[int, Counter[str]] = {}
    for start, [found] in engine.take().windows.items():
        for key, n in zip(found.keys, found.values, strict=True):
            by_engine.setdefault(start, Counter())[key.decode()] += n
    assert counted.take(NEWEST + WINDOW) == by_engine
    assert isinstance(select("😀".encode()), Keyed)
