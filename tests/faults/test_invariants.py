"""The invariants notice each way to be wrong; observations are made up."""

import pytest

from tests.application import Finals
from tests.faults.invariants import (
    Group,
    View,
    disagreement,
    open_transactions,
    unconsumed,
    unstable_group,
    wrong_finals,
)
from tests.output import Found

EXPECTED: Finals = {("#a", 0): 5, ("#b", 0): 6}
A, B = ("in", 0), ("in", 1)


def test_the_right_finals() -> None:
    assert wrong_finals(EXPECTED, {("#a", 0): [5], ("#b", 0): [6]}) == []


@pytest.mark.parametrize(
    ("found", "what"),
    [
        ({("#a", 0): [5]}, "missing"),
        ({("#a", 0): [5], ("#b", 0): [6], ("#c", 0): [5]}, "extra"),
        ({("#a", 0): [5, 5], ("#b", 0): [6]}, "repeated"),
        ({("#a", 0): [5], ("#b", 0): [7]}, "different"),
    ],
)
def test_wrong_finals(found: Found, what: str) -> None:
    [finding] = wrong_finals(EXPECTED, found)
    assert finding.startswith(f"1 finals {what}: ")


def test_unconsumed() -> None:
    assert unconsumed("the offset", {A: 3, B: 4}, {A: 3, B: 4}) == []
    assert unconsumed("the offset", {A: 3, B: 3}, {A: 3, B: 4}) == [
        "the offset of in-1 is 3, but its end 4"
    ]
    assert unconsumed("the offset", {B: 4}, {A: 3, B: 4}) == [
        "the offset of in-0 is None, but its end 3"
    ]


def test_open_transactions() -> None:
    assert open_transactions({A: 3, B: 4}, {A: 3, B: 4}) == []
    assert open_transactions({A: 3, B: 2}, {A: 3, B: 4}) == [
        "a transaction is open in in-1: committed up to 2 of 4"
    ]


def test_a_stable_group() -> None:
    assert unstable_group(Group("Stable", {"x": [A], "y": [B]}), 2, [A, B]) == []


@pytest.mark.parametrize(
    ("group", "said"),
    [
        (Group("CompletingRebalance", {"x": [A], "y": [B]}), "the group is 'CompletingRebalance'"),
        (Group("Stable", {"x": [A, B]}), "the group has 1 members, not 2"),
        (Group("Stable", {"x": [A], "y": []}), "not each partition once"),
        (Group("Stable", {"x": [A, B], "y": [B]}), "not each partition once"),
    ],
)
def test_an_unstable_group(group: Group, said: str) -> None:
    [finding] = unstable_group(group, 2, [A, B])
    assert said in finding


def test_a_store_that_agrees() -> None:
    assert disagreement("counts/0", View({b"a": b"1"}, 9), View({b"a": b"1"}, 9)) == []


@pytest.mark.parametrize(
    ("store", "said"),
    [
        (View({}, 9), "differ in 1 keys (key, changelog, store): [(b'a', b'1', None)]"),
        (View({b"a": b"2"}, 9), "differ in 1 keys"),
        (View({b"a": b"1", b"b": b"1"}, 9), "[(b'b', None, b'1')]"),
        (View({b"a": b"1"}, 8), "store counts/0 is at 8, its changelog ends at 9"),
    ],
)
def test_a_store_that_disagrees(store: View, said: str) -> None:
    [finding] = disagreement("counts/0", View({b"a": b"1"}, 9), store)
    assert said in finding
