"""The newest windows' finals: which are kept, and what is told of them."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.columns import TP
from streams.core.final import Final
from streams.core.window_count import WindowCount
from streams.jobs.hashtags import as_json, as_long
from streams.schemas.settings import SchemaSettings
from streams.settings import Settings
from streams.web.live.messages import Message, Piece
from streams.web.queries.history import History
from streams.web.queries.settings import QuerySettings

SIZE = 20_000


@dataclass(frozen=True)
class OutputRecord:
    key: bytes
    value: bytes | None
    timestamp: int
    offset: int = 0


def record(tag: str, window: int, count: int, output_format: str = "json") -> OutputRecord:
    """A final as the job writes it."""
    final = Final(tag.encode(), count, window * SIZE, (window + 1) * SIZE)
    encode = {"json": as_json, "long": as_long}[output_format]
    return OutputRecord(final.key, encode(final), final.timestamp)


def history(windows: int, output_format: str = "json", max_finals: int = 1000) -> History:
    queries = QuerySettings(history_windows=windows)
    return History(Settings(queries=queries, output_format=output_format), max_finals)


def windows_of(found: list[WindowCount]) -> dict[int, int]:
    assert all(one.window_end == one.window_start + SIZE for one in found)
    return {one.window_start // SIZE: one.count for one in found}


@pytest.mark.parametrize("output_format", ["json", "long"], ids="as_{}".format)
def test_a_hashtag_is_told_newest_first(output_format: str) -> None:
    known = history(10, output_format)
    known.take(0, [record("ä", window, window + 5, output_format) for window in (3, 1, 2)])
    assert list(windows_of(known.of("ä")).items()) == [(3, 8), (2, 7), (1, 6)]
    assert known.of("none") == []


def test_finals_in_avro_are_read_as_their_json() -> None:
    schemas = SchemaSettings(glue_registry="any")
    known = History(Settings(output_format="avro", schemas=schemas))
    final = Final("ä".encode(), 7, SIZE, 2 * SIZE)
    as_their_json = {b"avro": as_json(final).decode(), b"misfit": '"misfit"'}
    piece = Piece(
        TP("twitter_output", 0), {}, "", lambda value: as_their_json[value or b""], following=2
    )
    records = [OutputRecord(final.key, raw, final.timestamp, 1) for raw in as_their_json]
    piece.messages = [Message(piece, record) for record in records]
    known.receive(piece)
    assert windows_of(known.of("ä")) == {1: 7}


def test_the_top_is_in_the_order_of_counts_and_then_of_text() -> None:
    known = history(10)
    known.take(0, [record(tag, 1, n) for tag, n in {"b": 5, "c": 9, "a": 5, "d": 1}.items()])
    assert known.newest() == SIZE
    assert known.top(SIZE, 3) == [("c", 9), ("a", 5), ("b", 5)]
    assert known.top(0, 3) == []


def test_what_is_no_final_is_passed_over() -> None:
    known = history(10)
    known.take(0, [OutputRecord(b"a", b"{}", 1), OutputRecord(b"a", None, SIZE - 1)])
    assert known.newest() is None


def test_a_restart_forgets() -> None:
    known = history(10)
    known.take(0, [record("a", 1, 5)])
    known.restart()
    assert known.newest() is None
    assert known.of("a") == []


finals = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 12)))


@given(finals, st.integers(1, 5))
def test_the_newest_windows_are_kept(pairs: list[tuple[str, int]], n: int) -> None:
    known = history(n)
    known.take(0, [record(tag, window, ord(tag) + window) for tag, window in pairs])
    kept = sorted({window for _, window in pairs})[-n:]
    for tag in "abcd":
        expected = {w: ord(tag) + w for w in kept if (tag, w) in pairs}
        assert windows_of(known.of(tag)) == expected
    assert known.newest() == (kept[-1] * SIZE if kept else None)


@given(finals, st.integers(1, 6))
def test_memory_is_bounded(pairs: list[tuple[str, int]], most: int) -> None:
    known = history(10, max_finals=most)
    known.take(0, [record(tag, window, 5) for tag, window in pairs])
    kept = [window for tag in "abcd" for window in windows_of(known.of(tag))]
    # The newest window is kept even if it alone is larger.
    assert len(kept) <= most or len(set(kept)) == 1
