"""The ring: where a client goes on that was away, found among all pieces or not at all."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from streams.core.columns import TP
from streams.web.live.messages import Piece, json_value
from streams.web.live.ring import Ring

TPS = [TP("t", 0), TP("t", 1), TP("u", 0)]
#: Partition, and records, of each piece.
PIECES = st.lists(st.tuples(st.sampled_from(TPS), st.integers(1, 3)), max_size=30)
#: How many of these pieces a client has had of each partition, and some more records.
SINCE = st.fixed_dictionaries({}, optional={tp: st.integers(0, 40) for tp in TPS})


def filled(ring: Ring, pieces: list[tuple[TP, int]]) -> list[Piece]:
    at = dict.fromkeys(TPS, 0)
    made = []
    for tp, records in pieces:
        piece = Piece(tp, dict(at), "", json_value, at[tp] + records, size=1)
        at[tp] += records
        ring.append(piece)
        made.append(piece)
    return made


def newest(pieces: list[Piece], since: Mapping[TP, int]) -> Piece | None:
    """The last piece before which the client has had everything."""
    reached = [p for p in pieces if all(since.get(tp, 0) >= at for tp, at in p.start.items())]
    return reached[-1] if reached else None


@given(PIECES, SINCE, st.integers(1, 30))
def test_it_finds_the_newest_piece_to_go_on_from(
    pieces: list[tuple[TP, int]], since: dict[TP, int], room: int
) -> None:
    ring = Ring(max_bytes=room)
    kept = filled(ring, pieces)[-room:]
    number = ring.find(since)
    found = None if number is None else ring.get(number)
    assert found is newest(kept, since)
    assert ring.end == len(pieces)
    assert (len(ring), ring.bytes) == (len(kept), len(kept))


def test_numbers_go_on_after_all_was_forgotten() -> None:
    ring = Ring(max_bytes=100)
    filled(ring, [(TPS[0], 1)] * 3)
    ring.clear()
    assert (ring.end, len(ring), ring.bytes) == (3, 0, 0)
    assert ring.find({}) is None
    [piece] = filled(ring, [(TPS[1], 1)])
    assert ring.get(3) is piece
    assert ring.get(2) is ring.get(4) is None
