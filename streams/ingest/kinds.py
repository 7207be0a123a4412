"""How the text of the ingestion gateway's settings becomes values; see `streams.setting_kinds`."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from streams.setting_kinds import TOPIC_LENGTH, Kind, name_of

#: What `tally ingest` can read, by the name of its command.
SOURCES = ("http", "stdin", "sqs", "s3", "sns", "mqtt", "kinesis", "dynamodb", "rest", "table")

_FIELD = re.compile(r"[^.\s,]+(\.[^.\s,]+)*")


def topics_of_sources() -> Kind[Mapping[str, tuple[str, ...]]]:
    """`source=topic, …`; only `http` may have several, as `http=a|b`. Unset is empty."""

    def parse(raw: str) -> Mapping[str, tuple[str, ...]]:
        items = [_topics_of(item.strip()) for item in raw.split(",")] if raw else []
        if len({source for source, _ in items}) < len(items):
            raise ValueError("a source stands there twice")
        return MappingProxyType(dict(items))

    def show(value: Mapping[str, tuple[str, ...]]) -> str:
        return ",".join(f"{source}={'|'.join(topics)}" for source, topics in value.items())

    return Kind(parse, "source=topic, as sqs=orders,http=clicks|views", show)


def _topics_of(item: str) -> tuple[str, tuple[str, ...]]:
    source, equals, names = item.partition("=")
    source = source.strip()
    if not equals:
        raise ValueError(f"{item!r} has no topic")
    if source not in SOURCES:
        raise ValueError(f"{source!r} is no source")
    topics = tuple(name_of("a topic", TOPIC_LENGTH).parse(n.strip()) for n in names.split("|"))
    if len(topics) > 1 and source != "http":
        raise ValueError(f"{source} has one topic only")
    return source, topics


def field_path() -> Kind[tuple[str, ...]]:
    """A field of a JSON object, or of an object within it, as `user.id`."""

    def parse(raw: str) -> tuple[str, ...]:
        if not _FIELD.fullmatch(raw):
            raise ValueError("not a field's name")
        return tuple(raw.split("."))

    return Kind(parse, "a field's name, or names joined by '.'", ".".join)
