"""Tasks and standbys: complete, balanced, and every failed task finds its standby."""

import random

import pytest

from streams.transport.assignment import Share, Shares, assign


def begun(workers: int, partitions: int, standbys: int) -> Shares:
    """What so many workers are given when none has anything."""
    return assign({f"w{i}": Share() for i in range(workers)}, partitions, standbys)


def check(shares: Shares, partitions: int, standbys: int) -> None:
    """What holds for every assignment, whatever was before."""
    assert sorted(p for s in shares.values() for p in s.actives) == list(range(partitions))
    for partition in range(partitions):
        keepers = [m for m, s in shares.items() if partition in s.standbys]
        assert len(keepers) == min(standbys, len(shares) - 1)
        assert not any(partition in shares[m].actives for m in keepers)
    tasks = [len(share.actives) for share in shares.values()]
    assert max(tasks) - min(tasks) <= 1


def moves(before: Shares, after: Shares) -> dict[int, str]:
    """Tasks that are elsewhere now, and where."""
    return {p: m for m, s in after.items() for p in s.actives - before[m].actives}


SIZES = [(w, p, s) for w in range(2, 8) for p in range(1, 17) for s in (1, 2)]


@pytest.mark.parametrize(("workers", "partitions", "standbys"), SIZES)
def test_all_tasks_of_a_failed_worker_go_to_their_standbys(
    workers: int, partitions: int, standbys: int
) -> None:
    before = begun(workers, partitions, standbys)
    check(before, partitions, standbys)
    for failed, lost in before.items():
        rest = {m: s for m, s in before.items() if m != failed}
        after = assign(rest, partitions, standbys)
        check(after, partitions, standbys)
        moved = moves(rest, after)
        assert moved.keys() == lost.actives, "nothing else moves"
        assert all(p in before[to].standbys for p, to in moved.items())


def test_an_assignment_stays_as_it_is() -> None:
    for workers, partitions, standbys in SIZES:
        before = begun(workers, partitions, standbys)
        assert assign(before, partitions, standbys) == before


@pytest.mark.parametrize("standbys", [0, 1, 2])
def test_workers_come_and_go(standbys: int) -> None:
    random_ = random.Random(standbys)
    lost = cold = 0
    for _ in range(100):
        partitions, shares = random_.randint(1, 16), begun(1, 16, standbys)
        for step in range(20):
            before = dict(shares)
            gone: set[int] = set()
            if len(before) > 1 and random_.random() < 0.45:
                gone = before.pop(random_.choice(sorted(before))).actives
            else:
                before[f"new{step}"] = Share()
            shares = assign(before, partitions, standbys)
            check(shares, partitions, standbys)
            for partition, to in moves(before, shares).items():
                lost += partition in gone
                cold += partition in gone and partition not in before[to].standbys
    assert standbys == 0 or cold < lost / 20, "all but a few find a standby"


def test_a_worker_that_joins_takes_what_it_has_a_standby_of() -> None:
    """As after it was alone with its standbys while others ran all tasks."""
    before = {
        "a": Share({0, 1}, set()),
        "b": Share({2, 3}, set()),
        "c": Share(set(), {1, 3}),
    }
    after = assign(before, 4, 1)
    assert after["c"].actives <= {1, 3}
    assert after["c"].actives


def test_two_that_claim_the_same_task_do_not_both_get_it() -> None:
    """A worker that slept through a rebalance still claims what it had."""
    before = {"a": Share({0, 1}), "b": Share({1, 2}), "zombie": Share({0, 2, 99})}
    check(assign(before, 3, 1), 3, 1)
