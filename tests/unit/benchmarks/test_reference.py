"""What the benchmarks take for the truth."""

import random

from benchmarks.reference import Reference, Verdict, judge

WINDOW, GRACE = 1_000, 300


def test_batches_count_as_their_records_do() -> None:
    rng = random.Random(7)
    one_by_one, at_once = (Reference(2, WINDOW, GRACE, above=1) for _ in range(2))
    now = 0
    for _ in range(300):
        now += rng.randrange(120)
        partition = rng.randrange(2)
        values = [rng.choice((b"a", b"A", b"b")) for _ in range(5)]
        timestamps = [max(0, now - rng.randrange(2_000)) for _ in values]
        for value, timestamp in zip(values, timestamps, strict=True):
            one_by_one.add(partition, value, timestamp)
        at_once.add_all(partition, values, timestamps)
    assert one_by_one.late == at_once.late > 0
    assert one_by_one.finals() == at_once.finals() != {}


def test_late_is_what_comes_after_the_end_and_grace_in_its_own_partition() -> None:
    reference = Reference(2, WINDOW, GRACE, above=0)
    reference.add(0, b"a", 999)
    reference.add(0, b"a", 1_299)
    reference.add(0, b"a", 0)  # on time by 1 ms
    reference.add(0, b"a", 1_300)
    reference.add(0, b"a", 0)  # late
    reference.add(1, b"a", 0)  # on time in the other partition
    assert reference.finals() == {}  # which hasn't passed the window yet
    reference.add(1, b"b", 1_300)
    assert reference.finals() == {(b"a", 1_000): 3}
    assert reference.late == 1


def test_the_judge_tells_the_differences_apart() -> None:
    expected = {(b"a", 1): 5, (b"b", 1): 6, (b"c", 1): 7}
    seen = {(b"a", 1): [5, 5], (b"b", 1): [4], (b"x", 1): [9]}
    assert judge(expected, seen) == Verdict(missing=1, extra=1, wrong=1, repeated=1)
    assert judge(expected, {key: [n] for key, n in expected.items()}).exact
