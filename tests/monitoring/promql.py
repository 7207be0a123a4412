"""Which metrics and labels an expression names: enough of PromQL for ours, and strict about it."""

import re
from typing import NamedTuple

WORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "offset", "bool"}
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_RANGE = re.compile(r"\[[^\]]*\]")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
_SELECTOR = re.compile(r"([A-Za-z_:][A-Za-z0-9_:]*)\s*(?:\{([^}]*)\})?")
_LABEL = re.compile(r"([A-Za-z_]\w*)\s*(?:=~|!~|!=|=)")


class Use(NamedTuple):
    """A metric that an expression reads, and the labels it is chosen by."""

    metric: str
    labels: frozenset[str]


def uses(expression: str) -> set[Use]:
    """All metrics of an expression."""
    text = _GROUPING.sub(" ", _RANGE.sub(" ", _STRING.sub('""', expression)))
    found = set()
    for match in _SELECTOR.finditer(text):
        name, matchers = match[1], match[2] or ""
        is_function = matchers == "" and text[match.end() :].lstrip().startswith("(")
        if not is_function and name not in WORDS:
            found.add(Use(name, frozenset(_LABEL.findall(matchers))))
    return found


def grouped_by(expression: str) -> set[str]:
    """All labels that the expression groups or joins by."""
    return {
        name.strip()
        for group in _GROUPING.findall(_STRING.sub('""', expression))
        for name in group.split(",")
        if name.strip()
    }
