"""Provisional counts: the newest of each key, and nothing of what is closed."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.columns import TP
from streams.core.counts import encode_count
from streams.settings import Settings
from streams.state.changelog import BOOKKEEPING_KEY, Bookkeeping, window_prefix
from streams.web.live.changelog import ProvisionalCounts, as_json
from streams.web.live.messages import Piece
from streams.web.live.provisional import Count, Provisional


@dataclass(frozen=True)
class ChangelogRecord:
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int = 0


def counted(window: int, key: bytes, n: int | None, timestamp: int = 0) -> ChangelogRecord:
    """A count's record; None for the tombstone."""
    value = None if n is None else encode_count(n)
    return ChangelogRecord(0, window_prefix(window) + key, value, timestamp)


def watching(*keys: bytes) -> Provisional:
    counts = Provisional()
    counts.watch(set(keys))
    return counts


def told(counts: Provisional) -> list[Count]:
    """What a second's delivery would tell."""
    return [count for key in counts.changed() if (count := counts.newest(key)) is not None]


def test_only_wanted_keys_are_told_and_only_once() -> None:
    counts = watching(b"a", b"c")
    counts.take([counted(0, b"a", 1), counted(0, b"b", 5), counted(0, b"a", 2, 17)])
    assert told(counts) == [Count(b"a", 0, 2, 17)]
    assert told(counts) == []


def test_keys_that_are_wanted_no_longer_are_forgotten() -> None:
    counts = watching(b"a", b"b")
    counts.take([counted(0, b"a", 1), counted(0, b"b", 1)])
    counts.watch({b"b"})
    assert [count.key for count in told(counts)] == [b"b"]
    counts.take([counted(0, b"a", 2)])
    assert told(counts) == []


@pytest.mark.parametrize("closed_by", ["final", "tombstone"])
def test_nothing_is_told_of_a_closed_window(closed_by: str) -> None:
    counts = watching(b"a")
    counts.take([counted(20, b"a", 7)])
    if closed_by == "final":
        counts.closed(b"a", 20)
    else:
        counts.take([counted(20, b"a", None)])
    assert told(counts) == []
    counts.take([counted(20, b"a", 6)])  # the changelog is read later than the final was
    assert told(counts) == []
    counts.take([counted(40, b"a", 1)])
    assert [count.window for count in told(counts)] == [40]


def test_a_final_of_an_older_window_leaves_the_newer_count() -> None:
    counts = watching(b"a")
    counts.take([counted(40, b"a", 3)])
    counts.closed(b"a", 20)
    counts.closed(b"unwanted", 40)
    assert told(counts) == [Count(b"a", 40, 3, 0)]


def test_bookkeeping_is_no_count_even_if_the_rest_of_its_key_is_wanted() -> None:
    rest = BOOKKEEPING_KEY[8:]
    counts = watching(rest)
    books = Bookkeeping.begin("id", {}, 1).encode()
    counts.take([ChangelogRecord(0, BOOKKEEPING_KEY, books), counted(0, rest, 2)])
    assert told(counts) == [Count(rest, 0, 2, 0)]


class Client:
    """Who wants counts, and what was delivered."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    def provisional_keys(self, _topic: str) -> set[bytes]:
        return {b"a"}

    def deliver_provisional(self, _topic: str, _key: bytes, payload: bytes) -> None:
        self.got.append(payload)


@pytest.mark.parametrize(("topic", "told_of"), [("twitter_output", 0), ("other", 1)])
async def test_no_count_is_delivered_after_the_final(topic: str, told_of: int) -> None:
    client = Client()
    provisional = ProvisionalCounts(Settings(), client)
    provisional._counts.watch({b"a"})
    provisional._counts.take([counted(20_000, b"a", 7)])
    messages: Any = [ChangelogRecord(0, b"a", b"", 39_999)]
    provisional.receive(Piece(TP(topic, 0), {}, "", lambda _: "", 1, messages))
    await provisional._deliver()
    assert len(client.got) == told_of


KEYS = [b"a", b"b", b"c", b""]
steps = st.lists(
    st.tuples(st.sampled_from(KEYS), st.integers(0, 3), st.none() | st.integers(1, 9))
    | st.tuples(st.sampled_from(KEYS), st.integers(0, 3))
)


@given(steps, st.sets(st.sampled_from(KEYS)))
def test_what_is_told_is_the_last_count_of_the_newest_window_that_is_open(
    log: Iterable[tuple[bytes, int, int | None] | tuple[bytes, int]], wanted: set[bytes]
) -> None:
    counts = watching(*wanted)
    expected: dict[bytes, tuple[int, int]] = {}
    closed = dict.fromkeys(KEYS, -1)
    for key, window, *rest in log:
        if rest:
            counts.take([counted(window, key, rest[0])])
        else:
            counts.closed(key, window)
        if not rest or rest[0] is None:
            closed[key] = max(closed[key], window)
        elif window > closed[key] and expected.get(key, (-1, 0))[0] <= window:
            expected[key] = window, rest[0]
        if key in expected and expected[key][0] <= closed[key]:
            del expected[key]
    found = {count.key: (count.window, count.number) for count in told(counts)}
    assert found == {key: pair for key, pair in expected.items() if key in wanted}


def test_clients_get_json_that_is_marked_as_provisional() -> None:
    message = json.loads(as_json(Count("ä".encode(), 40_000, 3, 41_000), 20_000))
    assert message == {
        "key": "ä",
        "value": {"hashtag": "ä", "count": 3, "window_start": 40_000, "window_end": 60_000},
        "timestamp": 41_000,
        "provisional": True,
    }
