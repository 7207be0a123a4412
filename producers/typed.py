"""What people type as options, as values. argparse calls these, and names them in its messages."""

import argparse
import math
import re

from streams.service_kinds import service_url
from streams.setting_kinds import TOPIC_LENGTH, name_of

_UNITS_S = {"ms": 0.001, "s": 1, "": 1, "m": 60, "h": 3600, "d": 86400}
MAX_TAGS = 1_000_000


def at_least_zero(typed: str) -> float:
    value = float(typed)
    if not 0 <= value < math.inf:
        raise ValueError
    return value


def whole(typed: str) -> int:
    value = int(typed)
    if value < 0:
        raise ValueError
    return value


def tags(typed: str) -> int:
    value = int(typed)
    if not 1 <= value <= MAX_TAGS:
        raise argparse.ArgumentTypeError(f"from 1 to {MAX_TAGS:,}")
    return value


def duration_s(typed: str) -> float:
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|)", typed)
    if not found:
        raise argparse.ArgumentTypeError(f"{typed!r} isn't like 500ms, 90s, 5m, 1h or 2d")
    return float(found[1]) * _UNITS_S[found[2]]


def topic_name(typed: str) -> str:
    try:
        return name_of("a topic", TOPIC_LENGTH).parse(typed)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from None


def positive(typed: str) -> int:
    value = int(typed)
    if value < 1:
        raise ValueError
    return value


def server_url(typed: str) -> str:
    try:
        return service_url().parse(typed)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from None


def socket_url(typed: str) -> str:
    """The address of a WebSocket; in the open only on this machine."""
    scheme, separator, rest = typed.partition("://")
    if scheme not in {"ws", "wss"}:
        raise argparse.ArgumentTypeError("not wss://...")
    server_url(scheme.replace("ws", "http") + separator + rest)
    return typed
