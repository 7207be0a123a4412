"""Results for unit tests of sinks."""

from streams.tasks.results import Result


def result(
    offset: int = 0,
    key: bytes | None = b"kafka",
    value: bytes | None = b'{"hashtag": "kafka"}',
    topic: str = "twitter_output",
    timestamp: int = 1_763_000_019_999,
) -> Result:
    return Result(topic, 2, offset, timestamp, key, value)
