"""A worker speaks for its tasks only while the group confirms that they are its own."""

import asyncio

import pytest

from streams.core.ports import Member
from streams.errors import NotReadyError
from streams.transport.lease import Lease

ME = Member("group", 7, "me")


class AskedGroup:
    """Answers, and counts how often it was asked; `error` is raised instead."""

    def __init__(self) -> None:
        self.held = True
        self.asked = 0
        self.error: Exception | None = None

    async def holds(self, _member: Member) -> bool:
        self.asked += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return self.held


class Now:
    """The clock, in s."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def group() -> AskedGroup:
    return AskedGroup()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    now = Now()
    monkeypatch.setattr("streams.transport.lease.time", now)
    return now


@pytest.fixture
def lease(group: AskedGroup, now: Now) -> Lease:  # noqa: ARG001
    return Lease(group, 1.0)  # type: ignore[arg-type]  # nothing else is asked of it


async def test_one_confirmation_is_good_for_a_while(
    group: AskedGroup, now: Now, lease: Lease
) -> None:
    await asyncio.gather(*(lease.check(ME) for _ in range(10)))
    now.seconds += 0.9
    await lease.check(ME)
    assert group.asked == 1
    now.seconds += 0.2
    await lease.check(ME)
    assert group.asked == 2


async def test_a_confirmation_counts_from_when_it_was_asked_for(
    group: AskedGroup, now: Now, lease: Lease
) -> None:
    """What the broker saw is as old as the request."""
    asking = asyncio.create_task(lease.check(ME))
    await asyncio.sleep(0)
    now.seconds += 5
    await asking
    await lease.check(ME)
    assert group.asked == 2


async def test_another_generation_is_another_question(group: AskedGroup, lease: Lease) -> None:
    await lease.check(ME)
    group.held = False
    with pytest.raises(NotReadyError, match="move"):
        await lease.check(Member("group", 8, "me"))


async def test_after_a_long_sleep_nothing_is_taken_for_granted(
    group: AskedGroup, now: Now, lease: Lease
) -> None:
    await lease.check(ME)
    now.seconds += 60
    group.held = False
    for _ in range(2):
        with pytest.raises(NotReadyError):
            await lease.check(ME)
    assert group.asked == 3


async def test_a_group_that_can_not_be_asked_confirms_nothing(
    group: AskedGroup, lease: Lease
) -> None:
    group.error = ConnectionError("no broker")
    with pytest.raises(NotReadyError, match="no broker"):
        await lease.check(ME)
    group.error = None
    await lease.check(ME)
