"""Publishers whose values are what settings say that their topics hold."""

import json
from collections.abc import Callable
from functools import lru_cache

from producers.keyed import KeyedPublisher
from producers.publisher import Publisher
from streams.jobs.schemas import HASHTAG, HASHTAG_FIELD, PRICE
from streams.kafka_settings import KafkaSettings
from streams.schemas.formats import Formats

#: Hashtags whose encoded values are remembered, for they repeat.
REMEMBERED = 10_000

#: Makes a value of what is published: a hashtag, or a price in JSON.
Encode = Callable[[bytes], bytes]


def hashtags_to(kafka: KafkaSettings, topic: str, formats: Formats) -> Publisher:
    """Publishes hashtags. The formats have to be started before the first one."""
    return Publisher(kafka, topic, hashtag_encoder(formats, topic))


def prices_to(kafka: KafkaSettings, topic: str, formats: Formats) -> KeyedPublisher:
    """The same for prices."""
    return KeyedPublisher(kafka, topic, price_encoder(formats, topic))


def hashtag_encoder(formats: Formats, topic: str) -> Encode | None:
    """None for raw strings."""
    write = formats.writer(topic, HASHTAG, {HASHTAG_FIELD: ""})
    if write is None:
        return None
    return lru_cache(REMEMBERED)(lambda hashtag: write({HASHTAG_FIELD: hashtag.decode()}))


def price_encoder(formats: Formats, topic: str) -> Encode | None:
    """None where JSON is what the topic holds, or nothing is said of it."""
    write = formats.writer(topic, PRICE, {"event_time": "", "ticker": "", "price": 0.0})
    if write is None:
        return None
    return lambda price: write(json.loads(price))
