"""A Dockerfile's instructions, and which files its context holds: as much as ours needs."""

import fnmatch
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

_CONTINUED = re.compile(r"\\\n")
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")


class Step(NamedTuple):
    """An instruction and all that follows it on its logical line."""

    name: str
    rest: str

    def words(self) -> list[str]:
        """What follows, without options."""
        return [word for word in shlex.split(self.rest) if not word.startswith("--")]


def steps(text: str) -> list[Step]:
    """All instructions in their order."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    found = []
    for line in _CONTINUED.sub(" ", lines).splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            found.append(Step(name.upper(), rest.strip()))
    return found


def substituted(text: str, variables: Mapping[str, str]) -> str:
    """`text` with $NAME and ${NAME}; an unknown one is empty."""
    return _VARIABLE.sub(lambda found: variables.get(found[1], ""), text)


def context_files(folder: Path, ignore: str) -> Iterator[Path]:
    """The files that a .dockerignore leaves, relative to the folder: its last match decides."""
    patterns = [line.strip() for line in ignore.splitlines() if line.strip()]
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and not _ignored(relative, patterns):
            yield relative


def _ignored(path: Path, patterns: list[str]) -> bool:
    ignored = False
    for pattern in patterns:
        negated = pattern.startswith("!")
        if _matches(path, pattern.removeprefix("!")):
            ignored = not negated
    return ignored


def _matches(path: Path, pattern: str) -> bool:
    """Whether the pattern is of the path or of a folder above it."""
    anywhere = pattern.startswith("**/")
    wanted = Path(pattern.removeprefix("**/")).parts
    starts = range(len(path.parts)) if anywhere else (0,)
    return any(
        len(path.parts) >= start + len(wanted)
        and all(fnmatch.fnmatchcase(path.parts[start + i], w) for i, w in enumerate(wanted))
        for start in starts
    )
