"""Which windows `tally verify` compares: those that are closed, and of these the ones asked for."""

import random

import pytest

from tests import reference
from tests.load import BEGIN, Row
from tests.scene import seed_of_run
from tests.verify.scribe import (
    CLOSED,
    END,
    PARTITIONS,
    ROWS,
    WINDOW_MS,
    Rows,
    Scribe,
    expected,
    kinds,
    verify,
    window,
)


def test_a_difference_counts_within_the_range_only(app: Scribe) -> None:
    finals = app.count(CLOSED)
    del finals["#b", window(7)]
    app.publish(finals)
    assert verify(app, "--to", str(window(7)))[0] == 0
    assert verify(app, "--from", str(window(8)))[0] == 0
    code, report = verify(app, "--from", "2020-09-13T12:29:00", "--to", "2020-09-13T14:29:20+02:00")
    assert code == 1
    assert kinds(report) == [("missing", "#b", "2020-09-13T12:29:00Z", 6, None)]
    assert report["finals"] == {"expected": 2, "found": 1}


def test_a_range_reads_no_more_than_it_needs(app: Scribe) -> None:
    # More than a fetch brings, so that the end shows too.
    rows: list[Row] = [(b"#" * 3_000, window(0) + i * WINDOW_MS // 10) for i in range(1_000)]
    app.write([rows, rows])
    _, report = verify(app, "--from", str(window(10)), "--to", str(window(11)))
    assert 0 < report["records"] < len(rows)
    assert report["windows"]["closed_by_input"] == 1


@pytest.mark.long
def test_any_range_of_disorder(app: Scribe) -> None:
    """A range begins in the middle of partitions whose records are late, some of them too late."""
    random_ = random.Random(seed_of_run())
    rows: Rows = [[*disorder(random_), END] for _ in range(PARTITIONS)]
    app.write(rows)
    finals = reference.finals(rows, WINDOW_MS, 10_000, 0)
    app.publish(finals)
    grace = {"STREAMS_GRACE_SECONDS": "10", "STREAMS_MIN_MENTIONED": "0"}
    for _ in range(8):
        first, last = sorted(random_.sample(range(50), 2))
        code, report = verify(app, "--from", str(window(first)), "--to", str(window(last)), **grace)
        inside = [name for name in finals if window(first) <= name[1] < window(last)]
        assert code == 0, (first, last, report)
        assert report["finals"] == {"expected": len(inside), "found": len(inside)}
    assert verify(app, **grace | {"STREAMS_GRACE_SECONDS": "0"})[0] == 1


def disorder(random_: random.Random) -> list[Row]:
    """Large records, so that each fetch brings a few windows only: 50 windows in all."""
    rows: list[Row] = []
    for i in range(3_000):
        behind = random_.randrange(90_000) if random_.random() < 0.3 else 0
        value = random_.choice([b"#a" + b" " * 3_000, b"#B" + b" " * 3_000, b"x", None])
        rows.append((value, max(BEGIN, BEGIN + i * 50 * WINDOW_MS // 3_000 - behind)))
    return rows


def test_windows_that_only_idleness_closes(app: Scribe) -> None:
    """One partition is empty, so the input itself closes nothing."""
    app.write([[*ROWS, END], []])
    assert verify(app)[0] == 2
    app.publish({name: n for name, n in expected(CLOSED).items() if name[1] < window(7)})
    code, report = verify(app)
    assert code == 0, report
    assert report["windows"] == {
        "closed_by_input": 0,
        "closed_by_idle_sources": 7,
        "not_compared": 4,  # three without finals yet, and that of END
    }
    app.publish({("#b", window(9)): 6, ("#rare", window(9)): 5})
    code, report = verify(app)
    assert code == 1
    assert report["counts"] == {"missing": 5, "different": 0, "repeated": 0, "extra": 1}


def test_windows_that_are_open_are_not_compared(app: Scribe) -> None:
    finals = app.count([ROWS, ROWS])
    assert len(finals) == 18
    app.publish(finals)
    code, report = verify(app)
    assert (code, report["windows"]["not_compared"]) == (0, 1), report
    # Asked for by name, they are something that can't be told.
    code, report = verify(app, "--to", str(window(10)))
    assert (code, report["result"]) == (2, "unknown"), report
