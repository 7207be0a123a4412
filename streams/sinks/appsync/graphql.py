"""GraphQL requests with several mutations, each under an alias, and what their answers say."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from streams.sinks.appsync.formats import Item, checked_size
from streams.sinks.appsync.message import channel, message
from streams.sinks.appsync.verdicts import (
    ACCEPTED,
    REASON_LENGTH,
    Fate,
    Verdict,
    all_alike,
    is_permanent,
    is_transient,
    listed,
)
from streams.tasks.results import Result


class Mutation(NamedTuple):
    """A field of the type Mutation: its arguments with their types, and all that it returns.

    Subscribers see only what the mutation itself asked for.
    """

    field: str
    arguments: dict[str, str]
    selection: str


PUBLISH = Mutation("publish", {"name": "String!", "data": "AWSJSON!"}, "name data")


class Call(NamedTuple):
    """A mutation and the values of its arguments."""

    mutation: Mutation
    values: dict[str, Any]


class OpaqueFormat:
    """See `Format`. For `deploy/appsync/schema.graphql`, where results travel as AWSJSON."""

    def __init__(self, template: str, most: int) -> None:
        self._template = template
        self.most = most

    def item(self, result: Result) -> Item:
        data = message(result)
        checked_size(len(data.encode()))
        values = {"name": channel(self._template, result), "data": data}
        return Item(result, Call(PUBLISH, values), len(json.dumps(values)), "")

    def request(self, items: Sequence[Item]) -> bytes:
        return request([item.content for item in items])

    def verdicts(self, answer: Any, n: int) -> list[Verdict]:
        return verdicts(answer, n)


def request(calls: Sequence[Call]) -> bytes:
    """All calls as one request; the nth has the alias `rn`."""
    declared, fields = [], []
    variables = {}
    for i, (mutation, values) in enumerate(calls):
        for name, type_ in mutation.arguments.items():
            declared.append(f"${name}{i}: {type_}")
            variables[f"{name}{i}"] = values[name]
        passed = ", ".join(f"{name}: ${name}{i}" for name in mutation.arguments)
        fields.append(f"r{i}: {mutation.field}({passed}) {{ {mutation.selection} }}")
    query = f"mutation Deliver({', '.join(declared)}) {{ {' '.join(fields)} }}"
    return json.dumps({"query": query, "variables": variables}).encode()


def verdicts(answer: Any, n: int) -> list[Verdict]:
    """What an answer with status 200 says of n calls."""
    if not isinstance(answer, dict):
        return all_alike(n, Verdict(Fate.RETRY, "the answer is no JSON object", "answer"))
    if "errorMessage" in answer:
        return all_alike(n, _of_error(answer, answer["errorMessage"]))
    data = answer.get("data")
    found = [_of_data(data, i) for i in range(n)]
    for error in listed(answer, "errors"):
        i = _index(error, n)
        verdict = _of_error(error, error.get("message") if isinstance(error, dict) else error)
        if i is None:
            return all_alike(n, verdict)
        if verdict.fate is Fate.SPLIT:
            verdict = verdict._replace(fate=Fate.REJECTED)
        found[i] = verdict
    return found


def _of_data(data: Any, i: int) -> Verdict:
    if isinstance(data, dict) and data.get(f"r{i}") is not None:
        return ACCEPTED
    return Verdict(Fate.RETRY, "the mutation returned nothing", "answer")


def _index(error: Any, n: int) -> int | None:
    """Which call an error is about; None if it is about the request."""
    path = error.get("path") if isinstance(error, dict) else None
    if path and isinstance(path, list):
        for i in range(n):
            if path[0] == f"r{i}":
                return i
    return None


def _of_error(error: Any, text: Any) -> Verdict:
    fields = error if isinstance(error, dict) else {}
    type_ = str(fields.get("errorType") or "")
    reason = f"{type_}: {text}" if type_ else str(text)
    permanent = is_permanent(type_) or (
        # What the schema refuses has a place in the request, but no path in the answer.
        not type_ and not fields.get("path") and bool(fields.get("locations"))
    )
    fate = Fate.SPLIT if permanent and not is_transient(type_) else Fate.RETRY
    return Verdict(fate, reason[:REASON_LENGTH], "errors")
