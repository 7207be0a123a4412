"""Numbers and tables in Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def thousands(number: float) -> str:
    """To the full thousand: nothing here is known better."""
    return f"{round(number, -3):,.0f}"


def megabytes(size: float) -> str:
    """In MB (10^6 bytes)."""
    return f"{size / 1e6:,.0f} MB"


def differences(verdict: Mapping[str, int]) -> str:
    """None, or how many of each kind."""
    found = [f"{n:,} {kind}" for kind, n in verdict.items() if n]
    return ", ".join(found) or "none"


def under(title: str, found: Mapping[str, Any], *parts: str) -> str:
    """A section, with where and when it was measured."""
    when = f"Measured {found['measured_at']} UTC on {found['machine']}."
    return "\n\n".join([f"## {title}", *parts, when])
