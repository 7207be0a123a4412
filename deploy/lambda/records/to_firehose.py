"""A Lambda consumer that hands records to Firehose, as lines of JSON.

Firehose may take some records of a request, and not others: those are sent again, and in the end
reported, so that Lambda brings them again. At least once, and not in their order.
"""

import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError
from msk_event import Position, failures, line, records

log = logging.getLogger(__name__)
log.setLevel(logging.INFO)

#: What Firehose takes in one request, and as one record.
MAX_RECORDS = 500
MAX_REQUEST_BYTES = 4 * 2**20
MAX_RECORD_BYTES = 1000 * 2**10
#: Requests for the same records, and seconds before the second one; each pause is twice the former.
ATTEMPTS = 4
PAUSE_SECONDS = 0.2


class Line(NamedTuple):
    """A record to deliver."""

    position: Position
    data: bytes


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Deliver all records of all partitions; answers with those that failed."""
    lines, failed = _lines(event)
    client = _client()
    for request in _requests(lines):
        failed += _deliver(client, os.environ["STREAM_NAME"], request)
    if failed:
        log.error("%d of %d records failed", len(failed), len(lines) + len(failed))
    return failures(failed)


def _client() -> Any:
    return botocore.session.get_session().create_client("firehose")


def _lines(event: Mapping[str, Any]) -> tuple[list[Line], list[Position]]:
    lines, failed = [], []
    for position, raw in records(event):
        try:
            data = f"{line(position, raw)}\n".encode()
            if len(data) > MAX_RECORD_BYTES:
                raise ValueError(f"{len(data)} bytes are more than Firehose takes")
            lines.append(Line(position, data))
        except (KeyError, ValueError) as exc:
            log.error("%s can't be delivered: %s", position, exc)
            failed.append(position)
    return lines, failed


def _requests(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """All lines, in groups of what one request may carry."""
    request: list[Line] = []
    size = 0
    for item in lines:
        if len(request) == MAX_RECORDS or size + len(item.data) > MAX_REQUEST_BYTES:
            yield request
            request, size = [], 0
        request.append(item)
        size += len(item.data)
    if request:
        yield request


def _deliver(client: Any, stream: str, waiting: list[Line]) -> list[Position]:
    """The records that Firehose doesn't take, however often it is asked."""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_SECONDS * 2 ** (attempt - 1))
        try:
            answer = client.put_record_batch(
                DeliveryStreamName=stream, Records=[{"Data": item.data} for item in waiting]
            )
        except (BotoCoreError, ClientError) as exc:
            log.warning("Firehose takes nothing: %s", exc)
            continue
        results = answer["RequestResponses"]
        waiting = [
            item for item, result in zip(waiting, results, strict=True) if "ErrorCode" in result
        ]
        if not waiting:
            return []
        log.warning("Firehose leaves %d records", len(waiting))
    return [item.position for item in waiting]
