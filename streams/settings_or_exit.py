"""The settings of a process that can't do without them."""

import os

from streams.errors import SettingError
from streams.settings import Settings


def settings_or_exit() -> Settings:
    """The environment's settings; a wrong one ends the process with its name, not a traceback."""
    try:
        return Settings.from_env(os.environ)
    except SettingError as exc:
        raise SystemExit(f"tally: {exc}") from None
