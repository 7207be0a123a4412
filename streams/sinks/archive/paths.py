"""Which folder a record lies in: `ticker=AAPL/dt=2026-11-21/hr=14/`, by its event time in UTC."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from streams.errors import UndeliverableError

#: Bytes of a key that S3 allows.
KEY_LENGTH = 1024

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_HOUR_MS = 3_600_000


class Paths:
    """See the module.

    fields      those that name folders, outermost first
    event_time  the field that holds the event time; without it that is the record's timestamp
    length      bytes that a path may have
    """

    def __init__(self, fields: Sequence[str], event_time: str | None, length: int) -> None:
        self._fields = fields
        self._event_time = event_time
        self._length = length

    def of(self, timestamp: int, fields: Mapping[str, Any]) -> str:
        """A record's path; raises UndeliverableError. `timestamp` in ms since the epoch."""
        folders = [f"{name}={_escaped(name, fields.get(name))}/" for name in self._fields]
        path = "".join(folders) + _hour_path(self._hour(timestamp, fields))
        if len(path) > self._length:
            raise UndeliverableError(f"its path would have {len(path)} bytes")
        return path

    def _hour(self, timestamp: int, fields: Mapping[str, Any]) -> int:
        """Hours since the epoch."""
        if self._event_time is None:
            if timestamp < 0:
                raise UndeliverableError("it has no timestamp")
            return timestamp // _HOUR_MS
        found = fields.get(self._event_time)
        if isinstance(found, int) and not isinstance(found, bool):
            return found // _HOUR_MS
        if isinstance(found, str):
            try:
                at = datetime.fromisoformat(found)
                return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH) // _HOUR
            except (ValueError, OverflowError):
                pass
        raise UndeliverableError(f"{self._event_time} is no time")


@lru_cache(4096)
def _hour_path(hour: int) -> str:
    try:
        at = _EPOCH + hour * _HOUR
    except OverflowError:
        raise UndeliverableError("its time is beyond the year 9999, or before the year 1") from None
    return f"dt={at.date().isoformat()}/hr={at.hour:02}/"


def _escaped(name: str, found: Any) -> str:
    """A field's value as a part of a key, as readers of such folders undo it."""
    if isinstance(found, bool):
        return str(found).lower()
    if isinstance(found, int):
        return str(found)
    if isinstance(found, str) and found:
        return _quoted(name, found)
    raise UndeliverableError(f"{name} is neither text nor a whole number")


@lru_cache(4096)
def _quoted(name: str, found: str) -> str:
    try:
        return quote(found, safe="")
    except UnicodeEncodeError:
        raise UndeliverableError(f"{name} is no text in UTF-8") from None
