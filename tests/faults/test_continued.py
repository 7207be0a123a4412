"""What another process needs to go on with a run: the reader's journal, the load, the state."""

from itertools import islice
from pathlib import Path

import pytest

from tests.faults.state import RunState
from tests.journal import Journal
from tests.load import Load, Pace, Row, endless_rows, last_rows

PACE = Pace(rows=10, left_open=42)


def test_a_journal_is_read_back_but_for_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path, 2)
    journal.positions = [3, 4]
    journal.add([("#a", 0, 5), ("#ä", 0, 6)])
    journal.close()
    with path.open("a", encoding="utf-8") as file:
        file.write('[[9, 9], [["#b", 0,')
    for _ in range(2):
        again = Journal(path, 2)
        again.close()
        assert again.positions == [3, 4]
        assert again.finals == [("#a", 0, 5), ("#ä", 0, 6)]


def rows_of(ticks: int, *, closed: bool) -> list[Row]:
    rows = [row for tick in islice(endless_rows(7, 0, PACE), ticks) for row in tick]
    return [*rows, *last_rows(7, 0, PACE, rows)] if closed else rows


@pytest.mark.parametrize("closed", [False, True])
def test_a_load_knows_what_is_written_already(closed: bool) -> None:
    rows = rows_of(12, closed=closed)
    assert Load({}, "topic", 1, 7, PACE, [len(rows)]).rows == [rows]


def test_a_load_refuses_what_is_not_its_own() -> None:
    with pytest.raises(AssertionError, match="are not this load's"):
        Load({}, "topic", 1, 7, PACE, [len(rows_of(12, closed=False)) + 5])


def test_the_state_is_read_back(tmp_path: Path) -> None:
    state = RunState(seed=7, faults=100, quick=False, next=3, begun={"kill": 3}, gaps={"kill": 2})
    state.save(tmp_path)
    assert RunState.load(tmp_path) == state
