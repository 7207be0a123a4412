"""What was seen is remembered, however additions and questions alternate."""

import random

from streams.verify.seen import Seen


def test_it_is_a_set() -> None:
    random_ = random.Random(1)
    seen, known = Seen(), set()
    for _ in range(3_000):
        item = random_.randrange(5), f"#{random_.randrange(300)}"
        if random_.random() < 0.5:
            seen.add(*item)
            known.add(item)
        assert seen.holds(*item) == (item in known)
