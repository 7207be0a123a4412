"""Dataclass fields that are read from environment variables, for the classes of settings."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, fields
from typing import Any, NamedTuple

from streams.errors import SettingError
from streams.setting_kinds import Kind


def setting(variable: str, kind: Kind[Any], default: str, help_: str, shown: str = "") -> Any:
    """A dataclass field read from `variable`; `default` is written as in the environment.

    `shown` is the default as people read it, where it is derived from another setting.
    """
    return field(
        default_factory=lambda: kind.parse(default),
        metadata={"variable": variable, "kind": kind, "default": shown or default, "help": help_},
    )


class Row(NamedTuple):
    """One setting for people: all as text in the variable's own unit, secrets masked."""

    name: str
    value: str
    default: str
    help: str


def parsed(cls: type[Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """The values of those fields of `cls` whose variable is set."""
    values = {}
    for f in fields(cls):
        variable = f.metadata.get("variable", "")
        raw = environ.get(variable, "").strip()
        if not raw:
            continue
        kind: Kind[Any] = f.metadata["kind"]
        try:
            values[f.name] = kind.parse(raw)
        except ValueError as exc:
            what = "is refused" if kind.is_secret else f"{raw!r} is refused"
            raise SettingError(variable, f"{what}: {exc}", kind.allowed) from None
    return values


def variables(cls: type[Any]) -> list[str]:
    """The variables that a class of settings is read from."""
    return [f.metadata["variable"] for f in fields(cls) if f.metadata]


def refuse_unknown(environ: Iterable[str], known: list[str], prefix: str) -> None:
    """Raise SettingError for a variable of ours that is no setting; says which was meant."""
    for variable in sorted(environ):
        if variable.startswith(prefix) and variable not in known:
            near = difflib.get_close_matches(variable, known, n=1, cutoff=0.8)
            hint = f"did you mean {near[0]}?" if near else "`tally settings` lists all"
            raise SettingError(variable, f"there is no such setting; {hint}")


def rows(part: Any) -> Iterator[Row]:
    """The settings of one object, as a person would write them; secrets masked."""
    for f in fields(part):
        if f.metadata:
            value = f.metadata["kind"].show(getattr(part, f.name))
            yield Row(f.metadata["variable"], value, f.metadata["default"], f.metadata["help"])
