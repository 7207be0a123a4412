"""What server and client say to each other, besides results: JSON texts of WebSocket messages."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streams.core import strict_json
from streams.errors import RequestError

#: The protocol's name, as a WebSocket subprotocol.
NAME = "tally.v1"
#: A browser can't set headers; it offers its token as another subprotocol.
BEARER = "tally.bearer."

GOING_AWAY = 1001
REFUSED = 1008
TOO_BIG = 1009
INTERNAL = 1011
TOO_SLOW = 1013


def subscribed(keys: Mapping[str, Sequence[str]], cursor: str) -> bytes:
    """The answer to connecting and to each action: what is followed, and where the client is."""
    return _text({"type": "subscribed", "keys": keys, "cursor": cursor})


def gap(cursor: str, since: str) -> bytes:
    """What came between `since` and `cursor` is lost: the topic holds it no longer."""
    return _text({"type": "gap", "cursor": cursor, "from": since})


def error(exc: RequestError) -> bytes:
    """The answer to a message that can't be followed."""
    return _text({"type": "error", "error": str(exc)})


@dataclass(frozen=True)
class Action:
    """What a client asks for later."""

    subscribes: bool
    keys: Sequence[str]
    parameter: str | None


def action_of(text: str) -> Action:
    """Read a client's message. Raises RequestError."""
    try:
        content: Any = strict_json.parse(text)
    except ValueError:
        raise RequestError("That is no JSON") from None
    match content:
        case {"action": "subscribe" | "unsubscribe" as name, "keys": list(keys)}:
            parameter = content.get("parameter")
            right = all(isinstance(key, str) and _is_text(key) for key in keys)
            if right and isinstance(parameter, str | None):
                return Action(name == "subscribe", keys, parameter)
    raise RequestError(
        "That is no action",
        '{"action": "subscribe" or "unsubscribe", "keys": [...], "parameter": "..."} is one',
    )


def _is_text(key: str) -> bool:
    """JSON may hold halves of characters, which have no UTF-8."""
    return key.isascii() or not any("\ud800" <= c <= "\udfff" for c in key)


def _text(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
