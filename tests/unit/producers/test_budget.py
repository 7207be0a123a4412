"""The budget of posts: never more than the limits, whatever happens to the process."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from producers.budget import RESERVED, Budget
from streams.errors import BadInputError


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 2, 27, 23, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


def take_all(budget: Budget, most: int = 10_000) -> int:
    count = 0
    while budget.left() and count < most:
        budget.take()
        count += 1
    return count


def test_limits_of_day_and_month(tmp_path: Path) -> None:
    clock = Clock()
    budget = Budget(tmp_path / "spent", 250, 400, clock)
    assert take_all(budget) == 250
    clock.at += timedelta(hours=2)
    assert take_all(budget) == 150  # the month's end
    clock.at += timedelta(days=1)
    assert take_all(budget) == 250  # March
    assert Budget(tmp_path / "other", None, None).left() is None


def test_a_crash_spends_at_most_what_was_reserved(tmp_path: Path) -> None:
    clock = Clock()
    file = tmp_path / "folder" / "spent"
    bought = 0
    for _ in range(5):  # each is killed after some posts
        bought += take_all(Budget(file, 1000, None, clock), 130)
    bought += take_all(Budget(file, 1000, None, clock))
    assert 1000 - 5 * RESERVED <= bought < 1000
    assert Budget(file, 1000, None, clock).left() == 0


def test_an_orderly_end_wastes_nothing(tmp_path: Path) -> None:
    clock = Clock()
    file = tmp_path / "spent"
    for _ in range(5):
        budget = Budget(file, 1000, None, clock)
        take_all(budget, 130)
        budget.settle()
    assert Budget(file, 1000, None, clock).left() == 350
    assert json.loads(file.read_text()) == {"2026-02-27": 650, "2026-02": 650}


def test_what_was_reserved_is_no_part_of_the_next_day(tmp_path: Path) -> None:
    clock = Clock()
    budget = Budget(tmp_path / "spent", 150, 200, clock)
    assert take_all(budget, 30) == 30
    clock.at += timedelta(hours=2)
    assert budget.left() == 150
    assert take_all(budget) == 150
    clock.at += timedelta(hours=24)
    assert budget.left() == 150  # March


async def test_waits_for_the_next_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    budget = Budget(tmp_path / "spent", 5, None, clock)
    take_all(budget)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.at += timedelta(seconds=seconds)

    monkeypatch.setattr("producers.budget.asyncio.sleep", sleep)
    await budget.wait()
    assert sum(slept) == 3600
    assert budget.left() == 5


@pytest.mark.parametrize("text", ["{", "[]", '{"2026-02": "many"}', '{"2026-02": null}'])
def test_a_garbled_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "spent"
    file.write_text(text)
    with pytest.raises(BadInputError, match="what was taken"):
        Budget(file, 1, 1)
