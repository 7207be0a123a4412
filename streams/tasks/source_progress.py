"""What a source commits beside its offset: stream time, its partials' chain, its fingerprint."""

import json
from dataclasses import dataclass

from streams.core.partials import NOTHING_SENT
from streams.core.windows import NO_TIME
from streams.errors import OffsetLostError
from streams.state.fingerprint import Fingerprint, check_fingerprint

VERSION = 1


@dataclass(slots=True)
class SourceProgress:
    """Stream time (ms), and for each target partition the `to` offset of the last partial sent.

    Brokers keep at most 4 KiB of metadata with an offset; the chain is written as distances from
    the offset, most of them 0, so that 256 partitions fit.
    """

    stream_time: int
    sent_to: list[int]

    def encode(self, offset: int, fingerprint: Fingerprint) -> str:
        """The metadata to commit with `offset`."""
        distances = [None if to == NOTHING_SENT else offset - to for to in self.sent_to]
        values = {"v": VERSION, "time": self.stream_time, "sent": distances, "for": fingerprint}
        return json.dumps(values, separators=(",", ":"))

    @classmethod
    def decode(cls, metadata: str, offset: int, fingerprint: Fingerprint) -> "SourceProgress":
        """The inverse of `encode`; no metadata: nothing was read yet.

        Raises FingerprintMismatchError for another fingerprint, and OffsetLostError for metadata
        that is not ours.
        """
        if not metadata:
            return cls(NO_TIME, [NOTHING_SENT] * int(fingerprint["partitions"]))
        try:
            values = json.loads(metadata)
            version, distances, stored = values["v"], values["sent"], values["for"]
            progress = cls(
                int(values["time"]),
                [NOTHING_SENT if d is None else offset - int(d) for d in distances],
            )
        except (ValueError, KeyError, TypeError) as exc:
            raise OffsetLostError(f"the offset was committed by another program: {exc!r}") from exc
        if version != VERSION:
            raise OffsetLostError("the offset was committed by another version")
        check_fingerprint("the source", stored, fingerprint)
        return progress
