"""The settings of a process that can't do without them."""

import contextlib
import os
from collections.abc import Iterator

from streams.errors import StartError
from streams.settings import Settings


def settings_or_exit() -> Settings:
    """The environment's settings; a wrong one ends the process with its name, not a traceback."""
    with exit_if_wrong():
        return Settings.from_env(os.environ)


@contextlib.contextmanager
def exit_if_wrong() -> Iterator[None]:
    """The same for what turns out to be wrong or missing when settings are used."""
    try:
        yield
    except StartError as exc:
        raise SystemExit(f"tally: {exc}") from None
