"""README.md and the pages in docs/ don't go out of date unnoticed."""

import re
from pathlib import Path

import pytest

import streams
from streams.settings import Settings, describe

ROOT = Path(streams.__file__).parents[1]
README = ROOT / "README.md"
SETTINGS = ROOT / "docs" / "settings.md"
TABLE = re.compile(r"<!-- settings:.*? -->\n(.*?)<!-- end of settings -->", re.DOTALL)
#: What stands for "|" within a cell, in code too.
BAR = r"\|"
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")


def settings_table() -> str:
    """All settings as a table in Markdown."""
    lines = ["| Variable | Default | Meaning |", "| --- | --- | --- |"]
    for row in describe(Settings()):
        is_literal = row.default and " " not in row.default
        default = f"`{row.default}`" if is_literal else row.default
        cells = (f"`{row.name}`", default, row.help)
        lines.append(f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |")
    return "\n".join(lines) + "\n"


def test_the_table_of_settings_is_up_to_date() -> None:
    found = TABLE.search(SETTINGS.read_text(encoding="utf-8"))
    assert found, "docs/settings.md has lost the comments around its table"
    assert found[1] == settings_table(), (
        "Replace the table in docs/settings.md by what `python -m tests.unit.test_docs` prints"
    )


@pytest.mark.parametrize(
    "page",
    [README, *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "deploy").glob("*.md"))],
    ids=str,
)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


if __name__ == "__main__":
    print(settings_table(), end="")
