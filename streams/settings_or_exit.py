"""What a process can't do without: made, or the process ends with a line that says why."""

import os
from collections.abc import Callable
from typing import TypeVar

from streams.errors import StartError
from streams.settings import Settings

T = TypeVar("T")


def or_exit(make: Callable[[], T]) -> T:
    """What `make` makes; a StartError ends the process with its text, not a traceback."""
    try:
        return make()
    except StartError as exc:
        raise SystemExit(f"tally: {exc}") from None


def settings_or_exit() -> Settings:
    """The environment's settings; a wrong one is refused by its name."""
    return or_exit(lambda: Settings.from_env(os.environ))
