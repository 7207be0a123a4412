"""What a source keeps beside its committed offset."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.partials import NOTHING_SENT
from streams.core.windows import NO_TIME
from streams.errors import FingerprintMismatchError, OffsetLostError
from streams.settings import MAX_PARTITIONS
from streams.tasks.source_progress import SourceProgress

#: Bytes of metadata that brokers keep by default (`offset.metadata.max.bytes`).
BROKER_LIMIT = 4096


def fingerprint(partitions: int) -> dict[str, int | str]:
    """The main job's."""
    return {
        "window_ms": 31_536_000_000,
        "grace_ms": 31_536_000_000,
        "selection": "longer_than_one, lower, trim",
        "source_partitions": MAX_PARTITIONS,
        "partitions": partitions,
    }


@given(
    st.integers(-1, 2**62),
    st.lists(st.none() | st.integers(0, 2**40), min_size=1, max_size=20),
)
def test_progress_comes_back(stream_time: int, distances: list[int | None]) -> None:
    offset = 2**41
    sent = [NOTHING_SENT if d is None else offset - d for d in distances]
    progress = SourceProgress(stream_time, sent)
    expected = fingerprint(len(sent))
    assert SourceProgress.decode(progress.encode(offset, expected), offset, expected) == progress


def test_a_first_offset_has_no_metadata() -> None:
    progress = SourceProgress.decode("", 7, fingerprint(3))
    assert progress == SourceProgress(NO_TIME, [NOTHING_SENT] * 3)


def test_the_most_partitions_fit_into_what_brokers_keep() -> None:
    offset = 10**15
    sent = [offset - 10**10 + p for p in range(MAX_PARTITIONS)]
    metadata = SourceProgress(2**42, sent).encode(offset, fingerprint(MAX_PARTITIONS))
    assert len(metadata.encode()) <= BROKER_LIMIT


@pytest.mark.parametrize(
    "metadata", ["x", "1", "[]", "{}", '{"v":1,"time":"a","sent":[],"for":{}}']
)
def test_metadata_of_another_program_is_refused(metadata: str) -> None:
    with pytest.raises(OffsetLostError, match="another program"):
        SourceProgress.decode(metadata, 0, fingerprint(1))


def test_metadata_of_another_version_is_refused() -> None:
    metadata = SourceProgress(5, [0]).encode(0, fingerprint(1)).replace('"v":1', '"v":2')
    with pytest.raises(OffsetLostError, match="another version"):
        SourceProgress.decode(metadata, 0, fingerprint(1))


def test_other_settings_are_refused() -> None:
    metadata = SourceProgress(5, [0]).encode(0, fingerprint(1))
    with pytest.raises(FingerprintMismatchError, match="grace_ms was 31536000000 and is now 0"):
        SourceProgress.decode(metadata, 0, {**fingerprint(1), "grace_ms": 0})
