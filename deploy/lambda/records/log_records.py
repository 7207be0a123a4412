"""A Lambda consumer that logs each record; those that can't be read are reported, and come back."""

import logging
from collections.abc import Mapping
from typing import Any

from msk_event import failures, line, records

log = logging.getLogger(__name__)
log.setLevel(logging.INFO)


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Log all records of all partitions; answers with those that failed."""
    failed = []
    count = 0
    for position, raw in records(event):
        count += 1
        try:
            log.info("%s", line(position, raw))
        except (KeyError, ValueError) as exc:
            log.error("%s can't be read: %r", position, exc)
            failed.append(position)
    log.info("%d records of %d partitions, %d failed", count, len(event["records"]), len(failed))
    return failures(failed)
