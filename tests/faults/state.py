"""How far a run has got, on disk, so that another process can go on with it."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from deploy.local.folder import write_atomically

FILE = "run.json"


@dataclass
class RunState:
    """See the module.

    next        index of the next fault in the plan of the seed
    begun       faults by kind
    seen        how many finals had come when the last fault was over
    seconds     how long faults were made, without starts, pauses and checks
    gaps        by kind, the longest time without new finals, in s
    generations how many workers each slot has had: one that takes over has a folder of its own
    failures    what was seen on the way that may not be
    oddities    what was seen that is no failure by itself
    """

    seed: int
    faults: int
    quick: bool
    next: int = 0
    begun: dict[str, int] = field(default_factory=dict)
    seen: int = 0
    seconds: float = 0.0
    gaps: dict[str, float] = field(default_factory=dict)
    generations: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    oddities: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The state of the run in a folder."""
        return cls(**json.loads((folder / FILE).read_text(encoding="utf-8")))

    def save(self, folder: Path) -> None:
        """Write it, whole or not at all."""
        write_atomically(folder / FILE, json.dumps(asdict(self), indent=1))
