"""What a tweet mentions, and when."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.hashtags import TaggedTweet, epoch_ms, tagged


def mentioned(text: str) -> list[str]:
    return [tag.decode() for tag in tagged({"text": text}).hashtags]


def test_entities_come_first() -> None:
    tweet = {
        "text": "not #this",
        "created_at": "2024-05-01T12:00:00.123Z",
        "entities": {"hashtags": [{"start": 0, "end": 6, "tag": "Kafka"}, {"tag": "Zürich"}]},
    }
    assert tagged(tweet) == TaggedTweet([b"Kafka", "Zürich".encode()], 1714564800123)


def test_entities_without_hashtags_mean_none() -> None:
    assert tagged({"text": "see #1", "entities": {"urls": []}}) == TaggedTweet([], None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#one and #Two", ["one", "Two"]),
        ("a#b &#39; http://x/#frag", []),
        ("#2024 #y2k #_x", ["y2k", "_x"]),
        ("#日本語 \uff03全角", ["日本語", "全角"]),
        ("#stop. #go!", ["stop", "go"]),
        ("", []),
    ],
)
def test_hashtags_from_text(text: str, expected: list[str]) -> None:
    assert mentioned(text) == expected


@pytest.mark.parametrize(
    "tweet",
    [
        {},
        [],
        "text",
        None,
        {"text": None},
        {"text": "x", "created_at": "yesterday"},
        {"text": "x", "created_at": 5},
        {"text": "x", "created_at": "1969-12-31T23:59:59Z"},
        {"entities": []},
        {"entities": {"hashtags": [{"text": "v1"}]}},
        {"entities": {"hashtags": [{"tag": 1}]}},
        {"entities": {"hashtags": [{"tag": "\ud800"}]}},
        {"entities": {"hashtags": None}},
    ],
)
def test_what_is_no_tweet(tweet: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        tagged(tweet)


@given(st.integers(0, 4_000_000_000_000))
def test_epoch_ms_is_exact(ms: int) -> None:
    seconds, rest = divmod(ms, 1000)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)
    assert epoch_ms(moment.isoformat()) == ms
    assert epoch_ms(str(ms)) == ms


def test_epoch_ms_knows_zones() -> None:
    assert epoch_ms("1970-01-01T01:00:00+01:00") == 0
    assert epoch_ms("1970-01-01") == 0


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.text() | st.integers(), st.lists)))
def test_nothing_but_a_value_error(tweet: dict[str, Any]) -> None:
    try:
        result = tagged(tweet)
    except ValueError:
        return
    assert all(isinstance(tag, bytes) for tag in result.hashtags)
