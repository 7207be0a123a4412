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


def spend_all(budget: Budget, most: int = 10_000) -> int:
    count = 0
    while budget.left() and count < most:
        budget.spend()
        count += 1
    return count


def test_limits_of_day_and_month(tmp_path: Path) -> None:
    clock = Clock()
    budget = Budget(tmp_path / "spent", 250, 400, clock)
    assert spend_all(budget) == 250
    clock.at += timedelta(hours=2)
    assert spend_all(budget) == 150  # the month's end
    clock.at += timedelta(days=1)
    assert spend_all(budget) == 250  # March
    assert Budget(tmp_path / "other", None, None).left() is None


def test_a_crash_spends_at_most_what_was_reserved(tmp_path: Path) -> None:
    clock = Clock()
    file = tmp_path / "folder" / "spent"
    bought = 0
    for _ in range(5):  # each is killed after some posts
        bought += spend_all(Budget(file, 1000, None, clock), 130)
    bought += spend_all(Budget(file, 1000, None, clock))
    assert 1000 - 5 * RESERVED <= bought <= 1000
    assert Budget(file, 1000, None, clock).left() == 0
    assert json.loads(file.read_text())["day"] == ["2026-02-27", 1000]


def test_what_was_reserved_and_not_used_comes_back(tmp_path: Path) -> None:
    clock = Clock()
    budget = Budget(tmp_path / "spent", 150, 200, clock)
    assert spend_all(budget, 30) == 30
    clock.at += timedelta(hours=2)
    assert budget.left() == 150
    assert spend_all(budget) == 150
    clock.at += timedelta(hours=24)
    assert budget.left() == 150  # March


async def test_waits_for_the_next_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    budget = Budget(tmp_path / "spent", 5, None, clock)
    spend_all(budget)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.at += timedelta(seconds=seconds)

    monkeypatch.setattr("producers.budget.asyncio.sleep", sleep)
    await budget.wait()
    assert sum(slept) == 3600
    assert budget.left() == 5


def test_a_garbled_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "spent"
    file.write_text("{")
    with pytest.raises(BadInputError, match="what was spent"):
        Budget(file, 1, 1)
