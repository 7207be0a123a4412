"""AppSync Events: up to five messages of one channel in a request."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from streams.sinks.appsync.formats import Item, checked_size
from streams.sinks.appsync.message import events_channel, message
from streams.sinks.appsync.verdicts import (
    ACCEPTED,
    REASON_LENGTH,
    Fate,
    Verdict,
    all_alike,
    objects,
)
from streams.tasks.results import Result

#: Events that AppSync takes in one request.
EVENTS = 5

_CLIENT_ERRORS = range(400, 500)
#: Of those, the ones that end or can be put right: access, a timeout, too many requests.
_TRANSIENT = {401, 403, 408, 429}


class EventsFormat:
    """See `Format`."""

    def __init__(self, template: str, most: int) -> None:
        self._template = template
        self.most = min(most, EVENTS)

    def item(self, result: Result) -> Item:
        event = message(result)
        checked_size(len(event.encode()))
        size = len(json.dumps(event))
        return Item(result, event, size, events_channel(self._template, result))

    def request(self, items: Sequence[Item]) -> bytes:
        events = [item.content for item in items]
        return json.dumps({"channel": items[0].group, "events": events}).encode()

    def verdicts(self, answer: Any, n: int) -> list[Verdict]:
        if not isinstance(answer, dict):
            return all_alike(n, Verdict(Fate.RETRY, "the answer is no JSON object", "answer"))
        found = [Verdict(Fate.RETRY, "the answer doesn't mention the event", "answer")] * n
        for i, _ in _indexed(answer, "successful", n):
            found[i] = ACCEPTED
        for i, event in _indexed(answer, "failed", n):
            found[i] = _failed(event)
        return found


def _indexed(answer: Any, field: str, n: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """What an answer lists of the request's events, each with its place in the request."""
    for event in objects(answer, field):
        index = event.get("index")
        if isinstance(index, int) and 0 <= index < n:
            yield index, event


def _failed(event: dict[str, Any]) -> Verdict:
    code = event.get("code")
    reason = str(event.get("message") or event.get("errorMessage") or "the event failed")
    permanent = code in _CLIENT_ERRORS and code not in _TRANSIENT
    return Verdict(Fate.REJECTED if permanent else Fate.RETRY, reason[:REASON_LENGTH], "failed")
