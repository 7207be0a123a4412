"""What became of a request's results, one by one or all together."""

import re
from enum import Enum
from typing import Any, NamedTuple

#: Characters of a peer's words that a reason quotes.
REASON_LENGTH = 300


class Fate(Enum):
    """What has to be done about a result."""

    ACCEPTED = "accepted"
    #: Send it again, later.
    RETRY = "retry"
    #: It can never succeed.
    REJECTED = "rejected"
    #: One of the request's results can never succeed, and nobody knows which: send them in parts.
    SPLIT = "split"


class Verdict(NamedTuple):
    """The fate of one result; `reason` says why it isn't accepted, `kind` in one word."""

    fate: Fate
    reason: str = ""
    kind: str = ""


class Answer(NamedTuple):
    """A verdict for each result of a request; `retry_after` is what the API asks for, in s."""

    verdicts: list[Verdict]
    retry_after: float = 0.0


ACCEPTED = Verdict(Fate.ACCEPTED)

#: Kinds of error that AppSync reports for what no repetition makes right. Whatever else a resolver
#: reports is sent again: its data source may be overloaded, or be put right by somebody.
_PERMANENT = re.compile(r"(^|:)(BadRequest|Validation|Malformed|InvalidInput|Rejected)")
#: Kinds that some servers send with a 400.
_TRANSIENT = re.compile(r"Throttl|TooMany|Limit|Timeout|Timed|Unavailable|Internal|Unauthorized")


def is_permanent(error_type: str) -> bool:
    """Whether an error of this type can never end."""
    return _PERMANENT.search(error_type) is not None


def is_transient(error_type: str) -> bool:
    """Whether an error of this type is sure to end, whatever the status that it came with."""
    return _TRANSIENT.search(error_type) is not None


def listed(answer: Any, field: str) -> list[Any]:
    """What an answer lists under a name; whatever else a peer may put there is an item, too."""
    found = answer.get(field) if isinstance(answer, dict) else None
    if isinstance(found, list):
        return found
    return [found] if found else []


def objects(answer: Any, field: str) -> list[dict[str, Any]]:
    """Those of `listed` that are JSON objects."""
    return [item for item in listed(answer, field) if isinstance(item, dict)]


def all_alike(n: int, verdict: Verdict) -> list[Verdict]:
    """The same verdict for all; a single result needs no splitting."""
    if n == 1 and verdict.fate is Fate.SPLIT:
        verdict = verdict._replace(fate=Fate.REJECTED)
    return [verdict] * n
