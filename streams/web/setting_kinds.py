"""How the text of live delivery's settings becomes values; see `streams.setting_kinds`."""

import ipaddress
import re
from collections.abc import Mapping
from types import MappingProxyType

from streams.setting_kinds import TOPIC_LENGTH, Kind, name_of

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
#: Parameters of the protocol itself.
RESERVED = frozenset({"since", "provisional", "conflate"})
#: What a browser sends: no path, and no port if it is the scheme's own.
_ORIGIN = re.compile(r"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")


def live_topics() -> Kind[Mapping[str, tuple[str, ...]]]:
    """`topic=parameter|parameter, …`: parameters by topic, in their order. Unset is empty."""

    def parse(raw: str) -> Mapping[str, tuple[str, ...]]:
        items = [_live_topic(item.strip()) for item in raw.split(",")] if raw else []
        if len({topic for topic, _ in items}) < len(items):
            raise ValueError("a topic stands there twice")
        return MappingProxyType(dict(items))

    def show(value: Mapping[str, tuple[str, ...]]) -> str:
        return ",".join(f"{topic}={'|'.join(names)}" for topic, names in value.items())

    return Kind(parse, "topic=parameter, several of both as topic=a|b,other=c", show)


def _live_topic(item: str) -> tuple[str, tuple[str, ...]]:
    topic, equals, names = item.partition("=")
    if not equals:
        raise ValueError(f"{item!r} has no parameter")
    parameters = tuple(name.strip() for name in names.split("|"))
    for name in parameters:
        if not _PARAMETER.fullmatch(name) or name in RESERVED:
            raise ValueError(f"{name!r} can't be a parameter's name")
    if len(set(parameters)) < len(parameters):
        raise ValueError(f"{item!r} names a parameter twice")
    return name_of("a topic", TOPIC_LENGTH).parse(topic.strip()), parameters


def origins() -> Kind[frozenset[str]]:
    """`scheme://host[:port]`, or several separated by commas."""

    def parse(raw: str) -> frozenset[str]:
        found = [item.strip().lower() for item in raw.split(",")]
        for origin in found:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} isn't scheme://host[:port]")
        return frozenset(found)

    return Kind(
        parse,
        "http(s)://host[:port] without a path, or several separated by commas",
        lambda value: ",".join(sorted(value)),
    )


def networks() -> Kind[tuple[Network, ...]]:
    """IP addresses or networks, separated by commas. Unset is empty."""

    def parse(raw: str) -> tuple[Network, ...]:
        return tuple(ipaddress.ip_network(item.strip()) for item in raw.split(",") if raw)

    return Kind(
        parse,
        "addresses such as 10.0.0.7, or networks such as 10.0.0.0/8, separated by commas",
        lambda value: ",".join(str(network) for network in value),
    )
