"""How the text of the queries' settings becomes values; see `streams.setting_kinds`."""

import re

from streams.setting_kinds import Kind

_BASE = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


def base_url() -> Kind[str]:
    """`http(s)://host[:port]`."""

    def parse(raw: str) -> str:
        bare = raw.rstrip("/")
        if not _BASE.fullmatch(bare):
            raise ValueError("not http(s)://host[:port]")
        return bare

    return Kind(parse, "http(s)://host[:port] without a path")


def base_urls() -> Kind[tuple[str, ...]]:
    """Several of them, separated by commas. Unset is empty."""
    one = base_url()

    def parse(raw: str) -> tuple[str, ...]:
        return tuple(one.parse(item.strip()) for item in raw.split(",")) if raw else ()

    return Kind(parse, f"{one.allowed}, or several separated by commas", ",".join)
