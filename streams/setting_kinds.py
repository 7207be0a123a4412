"""How a setting's text becomes a value, and back: one `Kind` per sort of setting."""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Generic, TypeVar

T = TypeVar("T")

TOPIC_LENGTH = 249
MASK = "***"

_LEGAL_NAME = re.compile(r"[A-Za-z0-9._-]+")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_WORDS = {"true": True, "yes": True, "on": True, "1": True}
_WORDS |= {"false": False, "no": False, "off": False, "0": False}


class Secret:
    """A text that shows itself only when asked by `reveal()`; repr, str and format are masked."""

    __slots__ = ("_hidden",)

    def __init__(self, hidden: str) -> None:
        self._hidden = hidden

    def reveal(self) -> str:
        return self._hidden

    def __repr__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._hidden.encode(), other._hidden.encode())

    def __hash__(self) -> int:
        return hash(self._hidden)


@dataclass(frozen=True)
class Kind(Generic[T]):
    """`parse` raises ValueError for what isn't `allowed`; `show` gives text that parses again."""

    parse: Callable[[str], T]
    allowed: str
    show: Callable[[Any], str] = str
    is_secret: bool = False


def text() -> Kind[str]:
    return Kind(str, "any text")


def secret() -> Kind[Secret]:
    return Kind(Secret, "any text", is_secret=True)


def optional(kind: Kind[T]) -> Kind[T | None]:
    """Unset is None."""
    return Kind(
        parse=lambda raw: kind.parse(raw) if raw else None,
        allowed=f"{kind.allowed}, or unset",
        show=lambda value: "" if value is None else kind.show(value),
        is_secret=kind.is_secret,
    )


def several(kind: Kind[T]) -> Kind[tuple[T, ...]]:
    """Any number of values, separated by commas; unset is none."""
    return Kind(
        parse=lambda raw: tuple(kind.parse(item.strip()) for item in raw.split(",") if raw),
        allowed=f"{kind.allowed}; or several, separated by commas",
        show=lambda values: ",".join(map(kind.show, values)),
        is_secret=kind.is_secret,
    )


def boolean() -> Kind[bool]:
    def parse(raw: str) -> bool:
        try:
            return _WORDS[raw.lower()]
        except KeyError:
            raise ValueError("neither true nor false") from None

    return Kind(parse, "true, false", lambda value: str(value).lower())


def choice(*options: str) -> Kind[str]:
    """One of `options`, in any case."""
    spelling = {option.lower(): option for option in options}

    def parse(raw: str) -> str:
        try:
            return spelling[raw.lower()]
        except KeyError:
            raise ValueError("no such choice") from None

    return Kind(parse, ", ".join(options))


def integer(low: int, high: int) -> Kind[int]:
    def parse(raw: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,20}", raw):
            raise ValueError("not a whole number")
        return int(_within(int(raw), low, high))

    return Kind(parse, f"a whole number from {low} to {high}")


def number(low: float, high: float) -> Kind[float]:
    """A number with any decimals that a double holds."""

    def parse(raw: str) -> float:
        return float(_within(_decimal(raw), low, high))

    return Kind(parse, f"a number from {low:g} to {high:g}", lambda value: f"{value:.15g}")


def seconds(low: float, high: float) -> Kind[int]:
    """Seconds with at most three decimals; the value is in milliseconds."""

    def parse(raw: str) -> int:
        given = _decimal(raw)
        _within(given, low, high)
        if given * 1000 != int(given * 1000):
            raise ValueError("finer than a millisecond")
        return int(given * 1000)

    def show(value: int) -> str:
        whole, rest = divmod(value, 1000)
        return f"{whole}.{rest:03d}".rstrip("0") if rest else str(whole)

    return Kind(parse, f"seconds from {low} to {high}, at most three decimals", show)


def _decimal(raw: str) -> Decimal:
    try:
        given = Decimal(raw)
    except InvalidOperation:
        raise ValueError("not a number") from None
    if not given.is_finite():
        raise ValueError("not a number")
    return given


def _within(number: int | Decimal, low: float, high: float) -> int | Decimal:
    if number < Decimal(str(low)):
        raise ValueError("too low")
    if number > Decimal(str(high)):
        raise ValueError("too high")
    return number


def name_of(what: str, length: int) -> Kind[str]:
    """A name made of the characters Kafka allows in a topic's."""

    def parse(raw: str) -> str:
        if not _LEGAL_NAME.fullmatch(raw) or raw in {".", ".."}:
            raise ValueError(f"not a legal name of {what}")
        if len(raw) > length:
            raise ValueError("too long")
        return raw

    return Kind(parse, f"letters, digits, '.', '_' and '-', at most {length}")


def path() -> Kind[Path]:
    """An absolute path; relative ones start at the current folder."""
    return Kind(lambda raw: Path(raw).expanduser().absolute(), "a path")


def readable_file() -> Kind[Path]:
    def parse(raw: str) -> Path:
        file = path().parse(raw)
        try:
            file.open("rb").close()
        except OSError as exc:
            raise ValueError(exc.strerror or "can't be read") from None
        return file

    return Kind(parse, "a file that can be read")


def host() -> Kind[str]:
    def parse(raw: str) -> str:
        bare = raw[1:-1] if raw.startswith("[") else raw
        if not _HOST.fullmatch(raw) and not _HOST.fullmatch(f"[{raw}]"):
            raise ValueError("not a host's name or address")
        return bare

    return Kind(parse, "a host's name or address")


def host_ports() -> Kind[tuple[str, ...]]:
    """One or more `host:port`, separated by commas; IPv6 addresses in brackets."""

    def parse(raw: str) -> tuple[str, ...]:
        return tuple(_host_port(item.strip()) for item in raw.split(","))

    return Kind(parse, "host:port, or several separated by commas", ",".join)


def _host_port(item: str) -> str:
    name, colon, port = item.rpartition(":")
    if not colon or not _HOST.fullmatch(name):
        raise ValueError(f"{item!r} isn't host:port")
    integer(1, 65535).parse(port)
    return item
