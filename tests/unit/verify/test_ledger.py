"""Expected and found finals are matched in any order that they come in."""

from streams.verify.finals import Final
from streams.verify.ledger import Ledger, Verdict
from streams.verify.times import FOREVER

ALL = {0: {"#a": 5, "#b": 6}, 20: {"#a": 7}, 40: {}}


def found(window: int, hashtag: str, count: int, offset: int = 0) -> Final:
    return Final(window, hashtag, count, 0, offset)


def right() -> list[Final]:
    return [found(w, tag, n) for w, finals in ALL.items() for tag, n in finals.items()]


def differences(verdict: Verdict) -> list[tuple[str, int, str]]:
    return sorted((d.kind, d.window, d.key) for d in verdict.differences.kept)


def test_finals_may_come_before_their_windows_and_after() -> None:
    for early in range(4):
        ledger = Ledger(None)
        for final in right()[:early]:
            ledger.find(final)
        ledger.expect({0: dict(ALL[0])}, 20, 20)
        ledger.expect({20: dict(ALL[20]), 40: {}}, 60, 60)
        for final in right()[early:]:
            ledger.find(final)
        verdict = ledger.verdict(FOREVER)
        assert differences(verdict) == []
        assert (verdict.closed_windows, verdict.expected) == (3, 3)


def judged(*finals: Final) -> Verdict:
    """The verdict on finals of `ALL`, which the input has closed."""
    ledger = Ledger(None)
    ledger.expect({window: dict(finals) for window, finals in ALL.items()}, FOREVER, 60)
    for final in finals:
        ledger.find(final)
    return ledger.verdict(FOREVER)


def test_each_kind_of_difference() -> None:
    assert differences(judged(*right())) == []
    assert differences(judged(*right()[1:])) == [("missing", 0, "#a")]
    assert differences(judged(*right(), found(0, "#a", 5))) == [("repeated", 0, "#a")]
    assert differences(judged(*right(), found(0, "#c", 5))) == [("extra", 0, "#c")]
    assert differences(judged(*right(), found(80, "#c", 5))) == [("extra", 80, "#c")]
    assert differences(judged(*right()[1:], found(0, "#a", 6))) == [("different", 0, "#a")]
    wrong_then_right = [found(0, "#a", 4), *right()]
    assert differences(judged(*wrong_then_right)) == [
        ("different", 0, "#a"),
        ("repeated", 0, "#a"),
    ]


def test_only_so_many_of_each_kind_are_kept() -> None:
    ledger = Ledger(2)
    ledger.expect({0: {f"#{i}": 5 for i in range(9)}}, FOREVER, 20)
    for i in range(5):
        ledger.find(found(0, f"#x{i}", 1))
    verdict = ledger.verdict(FOREVER)
    assert verdict.differences.counts == {"missing": 9, "extra": 5}
    assert [d.kind for d in verdict.differences.kept].count("missing") == 2
    assert ledger.verdict(FOREVER).differences.counts == {"missing": 9, "extra": 5}


def unclosed() -> Ledger:
    """The input has closed the first window; the others are complete, as all was read."""
    ledger = Ledger(None)
    ledger.expect({0: {"#a": 5}, 20: {"#a": 5}, 40: {"#a": 5, "#b": 5}}, FOREVER, 20)
    ledger.find(found(0, "#a", 5))
    return ledger


def test_windows_that_are_open_have_no_finals_to_miss() -> None:
    verdict = unclosed().verdict(FOREVER)
    assert differences(verdict) == []
    assert (verdict.closed_windows, verdict.idle_windows, verdict.open_windows) == (1, 0, 2)
    assert verdict.judged_until == 20


def test_an_idle_source_closes_windows_in_their_order() -> None:
    ledger = unclosed()
    ledger.find(found(40, "#b", 5))
    verdict = ledger.verdict(FOREVER)
    assert differences(verdict) == [("missing", 20, "#a"), ("missing", 40, "#a")]
    assert (verdict.closed_windows, verdict.idle_windows, verdict.open_windows) == (1, 2, 0)
    assert verdict.expected == 4


def test_what_the_input_has_grown_into_is_not_judged() -> None:
    ledger = unclosed()
    for final in (found(20, "#a", 5), found(40, "#a", 9), found(60, "#new", 5)):
        ledger.find(final)
    assert differences(ledger.verdict(40)) == []
    assert ledger.verdict(40).open_windows == 1
    assert differences(ledger.verdict(FOREVER)) == [
        ("different", 40, "#a"),
        ("extra", 60, "#new"),
        ("missing", 40, "#b"),
    ]
