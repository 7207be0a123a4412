"""The typed API: which mutation a result goes to, by the fields of its value.

To add a type: a mutation here, a function that makes its input, and both in `deploy/appsync/typed`.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from streams.errors import UndeliverableError
from streams.sinks.appsync.formats import Item, checked_size
from streams.sinks.appsync.graphql import Call, Mutation, request, verdicts
from streams.sinks.appsync.message import value_of
from streams.sinks.appsync.verdicts import Verdict
from streams.tasks.results import Result

HASHTAG_COUNT = Mutation(
    "publishHashtagCount",
    {"result": "HashtagCountInput!"},
    "id version hashtag count windowStart windowEnd expiresAt",
)
TICKER = Mutation(
    "publishTicker",
    {"result": "TickerInput!"},
    "id version symbol price open high low eventTime expiresAt",
)


class TypedFormat:
    """See `Format`. For `deploy/appsync/typed`."""

    def __init__(self, most: int) -> None:
        self.most = most

    def item(self, result: Result) -> Item:
        call = _call(result)
        return Item(result, call, checked_size(len(json.dumps(call.values))), "")

    def request(self, items: Sequence[Item]) -> bytes:
        return request([item.content for item in items])

    def verdicts(self, answer: Any, n: int) -> list[Verdict]:
        return verdicts(answer, n)


def _call(result: Result) -> Call:
    value = value_of(result)
    if not isinstance(value, dict):
        raise UndeliverableError("value is no JSON object")
    common = {"id": result.id, "version": version(result)}
    try:
        if "hashtag" in value:
            return Call(HASHTAG_COUNT, {"result": {**common, **_hashtag_count(value)}})
        if "symbol" in value or "ticker" in value:
            return Call(TICKER, {"result": {**common, **_ticker(value, result.timestamp)}})
    except KeyError as exc:
        raise UndeliverableError(f"value has no field {exc}") from exc
    except (TypeError, ValueError, OverflowError, OSError) as exc:
        raise UndeliverableError(f"value doesn't fit its type: {exc}") from exc
    raise UndeliverableError("value is neither a hashtag's count nor a ticker")


def version(result: Result) -> str:
    """Grows from one result of a key to the next, as text too: (timestamp, offset)."""
    return f"{max(result.timestamp, 0):015d}-{result.offset:019d}"


def _hashtag_count(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "hashtag": value["hashtag"],
        "count": value["count"],
        "windowStart": _date_time(value["window_start"]),
        "windowEnd": _date_time(value["window_end"]),
    }


def _ticker(value: Mapping[str, Any], timestamp: int) -> dict[str, Any]:
    price = value["price"] if "price" in value else value["close"]
    return {
        "symbol": value["symbol"] if "symbol" in value else value["ticker"],
        "price": price,
        **{name: value[name] for name in ("open", "high", "low") if name in value},
        "eventTime": _date_time(timestamp),
    }


def _date_time(ms: int) -> str:
    """Milliseconds since the epoch as an AWSDateTime."""
    at = datetime.fromtimestamp(ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
