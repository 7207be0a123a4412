"""What a record's value becomes: a key to count by, nothing, or a dead letter.

A job writes this as a chain: `batch.text().filter(longer_than_one).map(str.lower)`. The steps are
applied once to each *distinct* value and remembered, since hashtags repeat.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from streams.core.values import utf8
from streams.errors import MisfitError

#: Distinct values remembered by one selector; past this it starts anew.
REMEMBERED = 200_000


class Rejected(NamedTuple):
    """A value that can't be processed; it goes to the dead-letter topic for this reason."""

    reason: str


def usable(raw: bytes | None, max_bytes: int) -> bytes | Rejected:
    """A value that can be processed, whatever it says."""
    if raw is None:
        return Rejected("null value")
    if len(raw) > max_bytes:
        return Rejected(f"value longer than {max_bytes} bytes")
    return raw


class Keyed(NamedTuple):
    """A value's key (UTF-8) and the partition of the repartition topic it belongs to."""

    partition: int
    key: bytes


#: A record's destiny: counted under a key, dropped by a filter, or rejected.
Selected = Keyed | Rejected | None


@dataclass(frozen=True, slots=True)
class Step:
    """One link of a chain: a filter (drop if false) or a map."""

    function: Callable[[str], Any]
    is_filter: bool


Steps = tuple[Step, ...]


class Selector:
    """Applies `steps` to raw values, decides the partition of the resulting key, remembers both.

    `read` makes text of a raw value, or raises MisfitError. It may be replaced by one that reads
    more values, never by one that reads any of them differently.
    """

    def __init__(
        self, steps: Steps, partition_of: Callable[[bytes], int], max_value_bytes: int
    ) -> None:
        self.steps = steps
        self.read: Callable[[bytes], str] = utf8
        self._partition_of = partition_of
        self._max_value_bytes = max_value_bytes
        self._known: dict[bytes | None, Selected] = {}

    def __call__(self, raw: bytes | None) -> Selected:
        """The destiny of a record with the value `raw`."""
        try:
            return self._known[raw]
        except KeyError:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            selected = self._select(raw)
            # Not what is rejected: its schema may come to be known.
            if not isinstance(selected, Rejected):
                self._known[raw] = selected
            return selected

    @property
    def known(self) -> dict[bytes | None, Selected]:
        """What is remembered, for the hot path: a miss there is answered by calling."""
        return self._known

    def _select(self, raw: bytes | None) -> Selected:
        text = self._decode(raw)
        if isinstance(text, Rejected):
            return text
        for step in self.steps:
            result = step.function(text)
            if not step.is_filter:
                text = result
            elif not result:
                return None
        key = text.encode()
        return Keyed(self._partition_of(key), key)

    def _decode(self, raw: bytes | None) -> str | Rejected:
        value = usable(raw, self._max_value_bytes)
        if isinstance(value, Rejected):
            return value
        try:
            return self.read(value)
        except MisfitError as exc:
            return Rejected(exc.happened)
