"""What must hold when everything has become quiet; each check returns its findings as text."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from tests.application import Finals
from tests.output import Found, differences

#: (topic, partition)
Partition = tuple[str, int]
#: How many of a kind to name.
EXAMPLES = 5


class Group(NamedTuple):
    """A consumer group: its state, and what each member is assigned."""

    state: str
    members: Mapping[str, Collection[Partition]]


class View(NamedTuple):
    """A partition of counts: what its changelog comes to, or what a store holds.

    `position` is the changelog offset behind the last record that it holds.
    """

    values: Mapping[bytes, bytes]
    position: int


def wrong_finals(expected: Finals, found: Found) -> list[str]:
    """Each expected final exactly once, and none else."""
    return [
        f"{len(names)} finals {what}: {names[:EXAMPLES]}"
        for what, names in differences(expected, found).items()
        if names
    ]


def unconsumed(
    what: str, positions: Mapping[Partition, int], ends: Mapping[Partition, int]
) -> list[str]:
    """Everything has been read: each position is the end of its log."""
    return [
        f"{what} of {topic}-{partition} is {positions.get((topic, partition))}, but its end {end}"
        for (topic, partition), end in sorted(ends.items())
        if positions.get((topic, partition)) != end
    ]


def open_transactions(stable: Mapping[Partition, int], ends: Mapping[Partition, int]) -> list[str]:
    """No transaction is open: what a read_committed reader can reach is the end of each log."""
    return [
        f"a transaction is open in {topic}-{partition}: committed up to {stable[topic, partition]}"
        f" of {end}"
        for (topic, partition), end in sorted(ends.items())
        if stable[topic, partition] != end
    ]


def unstable_group(group: Group, members: int, partitions: Iterable[Partition]) -> list[str]:
    """The group has settled: so many members, and each partition is one member's."""
    found = []
    if group.state != "Stable":
        found.append(f"the group is {group.state!r}, not 'Stable'")
    if len(group.members) != members:
        found.append(f"the group has {len(group.members)} members, not {members}")
    assigned = sorted(tp for tps in group.members.values() for tp in tps)
    if assigned != sorted(partitions):
        found.append(f"what is assigned is not each partition once: {assigned}")
    return found


def disagreement(name: str, changelog: View, store: View) -> list[str]:
    """A store holds exactly what its changelog says."""
    differing = [
        (key, changelog.values.get(key), store.values.get(key))
        for key in sorted(changelog.values.keys() | store.values.keys())
        if changelog.values.get(key) != store.values.get(key)
    ]
    found = []
    if differing:
        found.append(
            f"store {name} and its changelog differ in {len(differing)} keys"
            f" (key, changelog, store): {differing[:EXAMPLES]}"
        )
    if changelog.position != store.position:
        found.append(
            f"store {name} is at {store.position}, its changelog ends at {changelog.position}"
        )
    return found
