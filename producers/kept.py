"""What outlives the process, in small files of JSON that are replaced as a whole."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from streams.errors import BadInputError

T = TypeVar("T")


def read(file: Path, parse: Callable[[Any], T], what: str) -> T | None:
    """What `parse` makes of the file's content; None if there is no file.

    Raises BadInputError, by the name of `what`, if the file can't be read or `parse` fails.
    """
    try:
        return parse(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as exc:
        raise BadInputError(
            f"{file} doesn't tell {what}: {type(exc).__name__}",
            "Correct it, or remove it to begin anew",
        ) from exc


def write(file: Path, content: Any) -> None:
    """Replace the file, so that whatever happens either the old or the new content is there.

    Raises BadInputError.
    """
    beside = file.with_name(f"{file.name}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w", encoding="utf-8") as out:
            json.dump(content, out)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(file)
    except OSError as exc:
        raise BadInputError(f"{file} can't be written: {exc.strerror}") from exc
