"""JSON as browsers read it: Python's own reader takes NaN and Infinity, too."""

import json
from typing import Any, NoReturn


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


# Made once: `json.loads` would make one for each text.
_decoder = json.JSONDecoder(parse_constant=_refuse)


def parse(text: str) -> Any:
    """What a text stands for. Raises ValueError if it isn't JSON, or nested too deeply."""
    try:
        return _decoder.decode(text)
    except RecursionError as exc:
        raise ValueError("nested too deeply") from exc
