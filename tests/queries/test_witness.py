"""The proof itself: it finds each kind of wrong answer."""

import pytest

from tests.queries.witness import Answer, Truth, wrong


def answer(begun: float, ended: float, **windows: int) -> Answer:
    return Answer(begun, ended, "a", "tag", 200, {int(k[1:]): n for k, n in windows.items()})


def truth() -> Truth:
    """Window 0 went up to 3 and was closed at 10 s, window 1 up to 2."""
    made = Truth()
    made.counts["tag", 0] |= {1, 3}
    made.counts["tag", 1] |= {2}
    made.closed["tag", 0] = 10.0
    return made


def test_right_answers_pass() -> None:
    answers = [
        answer(0, 1),
        answer(1, 5, w0=1),
        answer(2, 3, w0=3),  # asked while the one above was
        answer(4, 5, w0=3, w1=2),
        answer(9, 11, w1=2),
        answer(12, 13, w1=2),
    ]
    assert wrong(answers, truth()) == []


@pytest.mark.parametrize(
    ("answers", "what"),
    [
        ([answer(0, 1, w0=2)], "never committed"),
        ([answer(0, 1, w2=1)], "never committed"),
        ([answer(0, 1, w0=3), answer(2, 3, w0=1)], "less than 3"),
        ([answer(0, 1, w0=3), answer(2, 3)], "nothing for 0"),
        ([answer(11, 12, w1=2), answer(13, 14)], "nothing for 1"),
        ([answer(0, 1, w0=3), answer(11, 12), answer(13, 14, w0=3)], "known to be closed"),
    ],
)
def test_wrong_ones_do_not(answers: list[Answer], what: str) -> None:
    [found] = wrong(answers, truth())
    assert what in found
