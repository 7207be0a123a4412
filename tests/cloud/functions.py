"""The Lambda functions' code, which their runtime finds beside itself."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parents[2] / "deploy" / "lambda"


@contextmanager
def function(folder: str, module: str) -> Iterator[ModuleType]:
    """The module of a function, imported as Lambda does it."""
    path = str(FOLDER / folder)
    own = {file.stem for file in (FOLDER / folder).glob("*.py")}
    sys.path.insert(0, path)
    try:
        yield importlib.import_module(module)
    finally:
        sys.path.remove(path)
        for name in own:
            sys.modules.pop(name, None)
