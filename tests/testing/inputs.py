"""Random inputs of the main job."""

from hypothesis import strategies as st

Row = tuple[bytes | None, int]

#: Values whose keys meet, pass by a hair, are filtered, or are dead letters.
VALUES = [
    b"aa",
    b"AA",
    b" aa\x1f",
    b"bb",
    b"\xc3\xa4",
    "😀".encode(),
    b"  ",
    b"x",
    b"",
    None,
    b"\xff\xfe",
]


@st.composite
def partition_rows(draw: st.DrawFn, size: int = 30) -> list[Row]:
    """One partition's rows: time goes on by up to 9 s a row, and each is up to 30 s behind it."""
    rows: list[Row] = []
    now = 0
    steps = st.tuples(
        st.sampled_from([*VALUES[:4] * 3, *VALUES]), st.integers(0, 9_000), st.integers(0, 30_000)
    )
    for value, ahead, behind in draw(st.lists(steps, max_size=size)):
        now += ahead
        rows.append((value, max(0, now - behind * (behind % 3 == 0))))
    return rows


def inputs(partitions: int, size: int = 30) -> st.SearchStrategy[list[list[Row]]]:
    """Rows for each partition."""
    return st.lists(partition_rows(size), min_size=partitions, max_size=partitions)


def seeds() -> st.SearchStrategy[int]:
    """What decides everything that a cluster leaves open."""
    return st.integers(0, 2**32)
