"""Lines, however their text is cut; and objects of S3 that hold them."""

import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.ingest.lines import Lines, LongLineError
from producers.ingest.sources.s3 import lines_of
from streams.errors import UndeliveredError

LINE = st.text(alphabet="ab ", max_size=5).map(str.encode)


@given(st.lists(LINE), st.booleans(), st.sampled_from([b"\n", b"\r\n"]), st.data())
def test_cuts_mean_nothing(
    lines: list[bytes], is_ended: bool, end: bytes, data: st.DataObject
) -> None:
    text = end.join(lines) + (end if is_ended and lines else b"")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    splitter = Lines(100)
    found = [line for piece in pieces for line in splitter.feed(piece)] + splitter.end()
    # An empty last line is none.
    assert found == (lines if is_ended or not lines or lines[-1] else lines[:-1])


@pytest.mark.parametrize("pieces", [[b"12345\n"], [b"123", b"45\n"], [b"1234", b"5"]])
def test_a_line_that_is_too_long(pieces: list[bytes]) -> None:
    lines = Lines(4)
    with pytest.raises(LongLineError):
        [lines.feed(piece) for piece in pieces]


@pytest.mark.parametrize(
    "body", [gzip.compress(b"ab" * 5000)[:-20], b"no gzip", b"\x1f\x8b\x08" * 9]
)
def test_what_only_seems_to_be_gzip(body: bytes) -> None:
    with pytest.raises(UndeliveredError, match="isn't gzip"):
        list(lines_of(io.BytesIO(body), "a.gz", 100_000))
