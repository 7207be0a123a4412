"""Which hashtags a tweet mentions, and when: the one place where tweets are understood."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from producers.json_text import parse_json
from streams.core.iso_time import parse_iso

# As Twitter does it: not within a word or URL, and at least one character that isn't a digit.
_HASHTAG = re.compile(r"(?<![\w&/])[#\uFF03](\w*[^\W\d_]\w*)")


class TaggedTweet(NamedTuple):
    """The hashtags of one tweet in UTF-8 without the '#', and its time in epoch ms if it has one.

    Spelling is kept as it was tweeted; counting regardless of case is the job's business.
    """

    hashtags: list[bytes]
    timestamp_ms: int | None


def tagged(tweet: Mapping[str, Any]) -> TaggedTweet:
    """Read a tweet object of the v2 API; raises ValueError for what isn't one."""
    try:
        created_at = tweet.get("created_at")
        return TaggedTweet(
            [tag.encode() for tag in _tags(tweet)],
            None if created_at is None else epoch_ms(created_at),
        )
    except (AttributeError, KeyError, TypeError) as exc:
        raise ValueError("not a tweet") from exc


def parse_line(line: bytes) -> TaggedTweet | None:
    """A line with a tweet, `{"data": tweet}` or a hashtag; None for an empty one.

    Raises ValueError for anything else.
    """
    text = line.decode().strip()
    if not text:
        return None
    if not text.startswith("{"):
        hashtag = text.removeprefix("#")
        if not hashtag:
            raise ValueError("no hashtag")
        return TaggedTweet([hashtag.encode()], None)
    tweet = parse_json(text)
    return tagged(tweet.get("data", tweet))


def epoch_ms(text: str) -> int:
    """Epoch milliseconds of an ISO 8601 time (UTC unless it says otherwise), or of digits.

    Raises ValueError for anything else, and for times before 1970.
    """
    ms = int(text) if text.isdecimal() else parse_iso(text)
    if ms < 0:
        raise ValueError(f"{text!r} is before 1970")
    return ms


def _tags(tweet: Mapping[str, Any]) -> list[str]:
    # The API leaves `entities`, or its `hashtags`, out of a tweet that has none; but tweets kept
    # by others often lack entities altogether, and then the text is what is left.
    entities = tweet.get("entities")
    if entities is not None:
        return [hashtag["tag"] for hashtag in entities.get("hashtags", ())]
    return _HASHTAG.findall(tweet["text"])
