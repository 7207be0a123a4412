"""Who runs which task, and who keeps which standby: balanced, sticky, and ready for a failure.

Faust's own `CopartitionedAssignor` gives standbys to whoever comes next. When a worker fails, often
the one that has its standby is full, and the task goes to another that has nothing. With four
partitions on three workers that happens to three of four.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Share:
    """Partitions of one member: those whose tasks it runs, and those it keeps standbys of."""

    actives: set[int] = field(default_factory=set)
    standbys: set[int] = field(default_factory=set)


Shares = dict[str, Share]


def assign(before: Mapping[str, Share], partitions: int, standbys: int) -> Shares:
    """Distribute `partitions` tasks, each with so many standbys, over the members of `before`.

    No member runs more than one task more than another. Tasks stay where they are as far as that
    allows, else they go to a standby. Standbys are placed so that the tasks of any one member can
    all be taken over by theirs, with what comes out balanced again.
    """
    after = {member: Share() for member in sorted(before)}
    most = -(-partitions // len(after))
    _keep_actives(before, after, partitions, most)
    _place_orphans(before, after, partitions, most)
    _balance(before, after)
    for _ in range(min(standbys, len(after) - 1)):
        _place_standbys(before, after)
    return after


def _keep_actives(before: Mapping[str, Share], after: Shares, partitions: int, most: int) -> None:
    taken: set[int] = set()
    for member, share in after.items():
        # A member that slept may still take others' tasks for its own.
        mine = {p for p in before[member].actives if p < partitions} - taken
        # What others have a standby of may leave rather than what nobody has.
        kept = sorted(mine, key=lambda p: (_is_standby(before, p, member), p))
        share.actives = set(kept[:most])
        taken |= share.actives


def _is_standby(before: Mapping[str, Share], partition: int, but: str) -> bool:
    return any(partition in s.standbys for member, s in before.items() if member != but)


def _place_orphans(before: Mapping[str, Share], after: Shares, partitions: int, most: int) -> None:
    owned = {p for share in after.values() for p in share.actives}
    orphans = [p for p in range(partitions) if p not in owned]

    def warm(partition: int) -> list[str]:
        return [m for m in after if partition in before[m].standbys]

    # Those with the least choice come first, and those without any come last.
    for partition in sorted(orphans, key=lambda p: len(warm(p)) or len(after) + 1):
        ready = [m for m in warm(partition) if len(after[m].actives) < most]
        owner = min(ready or after, key=lambda m: len(after[m].actives))
        after[owner].actives.add(partition)


def _balance(before: Mapping[str, Share], after: Shares) -> None:
    while True:
        poorest = min(after, key=lambda m: len(after[m].actives))
        richest = max(after, key=lambda m: len(after[m].actives))
        if len(after[richest].actives) - len(after[poorest].actives) <= 1:
            return
        known = before[poorest].actives | before[poorest].standbys
        moving = min(after[richest].actives, key=lambda p: (p not in known, p))
        after[richest].actives.remove(moving)
        after[poorest].actives.add(moving)


def _place_standbys(before: Mapping[str, Share], after: Shares) -> None:
    """Give each task one more standby."""
    others = len(after) - 1
    most = -(-sum(len(share.actives) for share in after.values()) // others)
    for owner, share in after.items():
        # How many tasks each other member would run if this owner failed.
        loads = {m: len(s.actives) for m, s in after.items() if m != owner}
        for partition in _warmest_first(before, share.actives):
            free = [m for m in loads if partition not in after[m].standbys]
            warm = [m for m in free if partition in _known(before[m]) and loads[m] < most]
            keeper = min(warm or free, key=lambda m: (loads[m], len(after[m].standbys), m))
            after[keeper].standbys.add(partition)
            loads[keeper] += 1


def _known(share: Share) -> set[int]:
    return share.actives | share.standbys


def _warmest_first(before: Mapping[str, Share], partitions: Iterable[int]) -> list[int]:
    return sorted(partitions, key=lambda p: (not any(p in _known(s) for s in before.values()), p))
