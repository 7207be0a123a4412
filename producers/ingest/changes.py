"""What is new in an answer, compared with the one before: by digests, so that they can be kept."""

import hashlib
import json
from typing import Any

from streams.errors import SourceError

#: Hexadecimal digits of a digest: 96 bits, so that no two things ever have the same one.
DIGITS = 24
#: Bytes of a checkpoint's JSON for one item, and for the rest of it.
ITEM_BYTES = 2 * DIGITS + len('"": "", ')
FRAME_BYTES = 100


class Changes:
    """One answer, beside the checkpoint of the last one, which is None at the beginning."""

    def __init__(self, kept: Any, max_bytes: int) -> None:
        self._kept = kept or {"answer": 0, "seen": {}}
        self._seen: dict[str, str] = {}
        #: So that the checkpoint fits into `max_bytes`.
        self._max_bytes = max_bytes

    def note(self, item: Any, key: bytes | None) -> str | None:
        """The identity of an item that is new; None if it isn't.

        Raises SourceError if there are more items than can be kept.
        """
        # The order of an object's fields means nothing.
        content = digest(json.dumps(item, sort_keys=True).encode())
        name = content if key is None else digest(key)
        if self._seen.get(name) == content:
            return None
        self._seen[name] = content
        if len(self._seen) * ITEM_BYTES + FRAME_BYTES > self._max_bytes:
            raise SourceError(
                f"The API's answer has more than {len(self._seen) - 1:,} records",
                "Ask for fewer, or raise STREAMS_INGEST_MAX_RECORD_BYTES",
            )
        if self._kept["seen"].get(name) == content:
            return None
        return f"{name}:{content}:{self._kept['answer'] + 1}"

    def checkpoint(self) -> Any:
        """What has to be kept now; the same as before if nothing has changed."""
        if self._seen == self._kept["seen"]:
            return self._kept
        return {"answer": self._kept["answer"] + 1, "seen": self._seen}


def digest(text: bytes) -> str:
    """Short, and the same for the same text."""
    return hashlib.sha256(text).hexdigest()[:DIGITS]
