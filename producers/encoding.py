"""How hashtags are written to their topic, where it doesn't hold raw strings."""

from collections.abc import Callable
from functools import lru_cache

from streams.jobs.schemas import HASHTAG, HASHTAG_FIELD
from streams.schemas.formats import Formats

#: Hashtags whose encoded values are remembered, for they repeat.
REMEMBERED = 10_000


def hashtag_encoder(formats: Formats, topic: str) -> Callable[[bytes], bytes] | None:
    """What makes a value of a hashtag, once the formats were started; None for raw strings."""
    write = formats.writer(topic, HASHTAG, {HASHTAG_FIELD: ""})
    if write is None:
        return None
    return lru_cache(REMEMBERED)(lambda hashtag: write({HASHTAG_FIELD: hashtag.decode()}))
