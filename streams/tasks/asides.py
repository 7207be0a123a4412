"""Records that are set aside: what a dead letter or a late record looks like in its topic."""

from streams.core.columns import TP
from streams.core.ports import Record
from streams.core.source_windows import Aside

#: Bytes of a value that are kept.
VALUE_BYTES = 64 * 1024


def aside_record(tp: TP, aside: Aside, now: int, key: bytes | None = None) -> Record:
    """The record that tells of one read from `tp`; `now` in ms since the epoch."""
    headers = (
        ("reason", aside.reason.encode()),
        ("topic", tp.topic.encode()),
        ("partition", str(tp.partition).encode()),
        ("offset", str(aside.offset).encode()),
        ("timestamp", str(aside.timestamp).encode()),
    )
    value = None if aside.value is None else aside.value[:VALUE_BYTES]
    # A record needs a key or a value; brokers take an empty key.
    if key is None and value is None:
        key = b""
    # Stamped by the wall clock: brokers refuse stamps far ahead of it.
    return Record(key, value, now, headers)
