"""How a function that stands for a resource tells CloudFormation what has come of it."""

import json
import logging
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

log = logging.getLogger(__name__)
log.setLevel(logging.INFO)

Event = Mapping[str, Any]
#: Makes or changes the resource; returns its attributes, or raises what it fails by.
Make = Callable[[Mapping[str, Any]], Mapping[str, str]]

TIMEOUT_SECONDS = 30
#: CloudFormation takes 4 KiB in all.
REASON_LENGTH = 1000


def answer(event: Event, make: Make) -> None:
    """Make the resource, unless it is deleted, and tell; a stack that isn't told waits an hour."""
    status, reason, data = "SUCCESS", "", {}
    if event["RequestType"] != "Delete":
        try:
            data = dict(make(event["ResourceProperties"]))
        except Exception as exc:
            log.exception("It can't be made")
            status, reason = "FAILED", f"{type(exc).__name__}: {exc}"[:REASON_LENGTH]
    _tell(event, {"Status": status, "Reason": reason, "Data": data})


def _tell(event: Event, outcome: dict[str, Any]) -> None:
    body = {
        **outcome,
        # The same for ever: another one would have the former resource deleted.
        "PhysicalResourceId": event.get("PhysicalResourceId", event["LogicalResourceId"]),
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    request = urllib.request.Request(
        event["ResponseURL"],
        data=json.dumps(body).encode(),
        method="PUT",
        # It is signed for an empty type.
        headers={"Content-Type": ""},
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):
        pass
