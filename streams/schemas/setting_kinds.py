"""How the text of the schemas' settings becomes values; see `streams.setting_kinds`."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from streams.setting_kinds import TOPIC_LENGTH, Kind, choice, name_of, readable_file

T = TypeVar("T")


def by_topic(kind: Kind[T], example: str) -> Kind[Mapping[str, T]]:
    """`topic=value, …`. Unset is empty."""
    topic_name = name_of("a topic", TOPIC_LENGTH)

    def parse_item(item: str) -> tuple[str, T]:
        topic, equals, value = item.partition("=")
        if not equals:
            raise ValueError(f"{item.strip()!r} isn't topic=value")
        return topic_name.parse(topic.strip()), kind.parse(value.strip())

    def parse(raw: str) -> Mapping[str, T]:
        items = [parse_item(item) for item in raw.split(",")] if raw else []
        if len({topic for topic, _ in items}) < len(items):
            raise ValueError("a topic stands there twice")
        return MappingProxyType(dict(items))

    def show(value: Mapping[str, T]) -> str:
        return ",".join(f"{topic}={kind.show(item)}" for topic, item in value.items())

    return Kind(parse, f"topic={example}; or several, separated by commas", show)


def formats() -> Kind[Mapping[str, str]]:
    """How the values of topics are encoded."""
    return by_topic(choice("raw", "json", "avro"), "raw, json or avro")


def files() -> Kind[Mapping[str, Path]]:
    """Files by topic."""
    return by_topic(readable_file(), "path")
