"""Which records are archived: `price > 50`."""

import json
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from streams.errors import UndeliverableError
from streams.setting_kinds import Kind

#: A field of a JSON object, as far as it can name a folder or a column.
FIELD = r"[A-Za-z_][A-Za-z0-9_]{0,63}"

_FORM = re.compile(rf"({FIELD})\s*(>=|<=|!=|=|>|<)\s*(\S.*)")
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """See the module. `operand` is a number or a text."""

    field: str
    sign: str
    operand: float | str

    @classmethod
    def parse(cls, raw: str) -> Self:
        """Read what `str` writes; raises ValueError."""
        found = _FORM.fullmatch(raw.strip())
        if not found:
            raise ValueError("not a field, a sign and a value")
        field, sign, text = found.groups()
        try:
            operand = json.loads(text, parse_constant=float)
        except ValueError:
            operand = None
        if isinstance(operand, str) and sign in {"=", "!="}:
            return cls(field, sign, operand)
        if isinstance(operand, bool) or not isinstance(operand, int | float):
            raise ValueError("the value is no number; a text, in double quotes, goes with = and !=")
        return cls(field, sign, operand)

    def __str__(self) -> str:
        return f"{self.field} {self.sign} {json.dumps(self.operand)}"

    def passes(self, fields: Mapping[str, Any]) -> bool:
        """Whether a record is archived; raises UndeliverableError if that can't be told."""
        found = fields.get(self.field)
        kind = str if isinstance(self.operand, str) else int | float
        if isinstance(found, bool) or not isinstance(found, kind):
            what = "text" if kind is str else "number"
            raise UndeliverableError(f"{self.field} is no {what}")
        return _SIGNS[self.sign](found, self.operand)


def condition() -> Kind[Condition]:
    return Kind(Condition.parse, "a field, one of > >= < <= = !=, and a number or a quoted text")
