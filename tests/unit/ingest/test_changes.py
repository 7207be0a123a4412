"""What is new in the answers of a polled API."""

import json
from typing import Any

import pytest

from producers.ingest.changes import ITEM_BYTES, Changes
from streams.errors import SourceError

MAX_BYTES = 900_000


class Answers:
    """Compares each answer with the one before, as if the process had been restarted meanwhile."""

    def __init__(self) -> None:
        self.kept: Any = None

    def new(self, *, crash: bool = False, **degrees: int) -> dict[str, str]:
        """Identities of what is new, by key; the checkpoint isn't written before a crash."""
        changes = Changes(self.kept, MAX_BYTES)
        found = {key: changes.note({"n": n}, key.encode()) for key, n in degrees.items()}
        if not crash:
            self.kept = json.loads(json.dumps(changes.checkpoint()))
        return {key: identity for key, identity in found.items() if identity is not None}


def test_only_changes_are_new() -> None:
    answers = Answers()
    assert answers.new(bern=10, oslo=-3).keys() == {"bern", "oslo"}
    assert not answers.new(oslo=-3, bern=10)
    assert answers.new(bern=11, oslo=-3).keys() == {"bern"}
    assert not answers.new(oslo=-3)
    assert answers.new(bern=11, oslo=-3).keys() == {"bern"}, "it was away"


def test_a_value_that_comes_back_is_no_repeat() -> None:
    answers = Answers()
    identities = [answers.new(bern=n)["bern"] for n in (10, 11, 10)]
    assert len(set(identities)) == 3


def test_a_crash_repeats_by_the_same_identity() -> None:
    answers = Answers()
    answers.new(bern=10)
    before = answers.new(crash=True, bern=11, oslo=1)
    assert answers.new(bern=11, oslo=2)["bern"] == before["bern"]


def test_without_keys_contents_count() -> None:
    first = Changes(None, MAX_BYTES)
    assert first.note({"a": 1, "b": 2}, None) is not None
    assert first.note({"b": 2, "a": 1}, None) is None, "the same twice in one answer"
    second = Changes(first.checkpoint(), MAX_BYTES)
    assert second.note({"b": 2, "a": 1}, None) is None
    assert second.checkpoint() == first.checkpoint()


def test_what_is_kept_is_bounded() -> None:
    changes = Changes(None, 10_000)
    for n in range(10_000 // ITEM_BYTES - 2):
        changes.note(n, None)
        assert len(json.dumps(changes.checkpoint())) <= 10_000
    with pytest.raises(SourceError, match="more than"):
        fill(changes)


def fill(changes: Changes) -> None:
    """More than there is room for."""
    for n in range(1000):
        changes.note(f"another {n}", None)
