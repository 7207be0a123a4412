"""RESULTS.md and its charts, from what was kept."""

from typing import Any

from benchmarks.results import Results


def publish(results: Results, name: str, found: dict[str, Any]) -> None:
    """Keep a piece and make the report anew."""
    results.save(name, found)
    write(results)


def write(results: Results) -> None:
    """Make the report of all that was kept."""
    results.page.write_text(str(results.read()))
