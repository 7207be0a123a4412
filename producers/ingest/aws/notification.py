"""What SNS wraps around a message that it brings to a queue."""

import json
from typing import NamedTuple

from streams.errors import UndeliveredError


class Notification(NamedTuple):
    """A message and its id, which stays the same when SNS delivers it again."""

    message: bytes
    identity: str


def unwrapped(body: str) -> Notification:
    """The notification that a body holds; raises UndeliveredError if it is none."""
    try:
        found = json.loads(body)
        if found["Type"] != "Notification":
            raise ValueError
        return Notification(str(found["Message"]).encode(), str(found["MessageId"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise UndeliveredError(
            "It is no notification of SNS", "Unset STREAMS_INGEST_SQS_FROM_SNS for raw messages"
        ) from None
