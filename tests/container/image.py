"""What a build comes to, whichever way it went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import deploy

CONTEXT = Path(deploy.__file__).parents[1]
DOCKERFILE = CONTEXT / "Dockerfile"


@dataclass(frozen=True, kw_only=True)
class Image:
    """A root file system, and how a container of it is started.

    way          how it was built, in a sentence
    health       the command of its health check
    """

    root: Path
    way: str
    environ: Mapping[str, str]
    user: str
    workdir: str
    command: Sequence[str]
    volumes: Sequence[str]
    health: Sequence[str]
    stop_signal: str
