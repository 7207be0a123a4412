"""Stage two's view of its sources: how far each has been read, and the lowest watermark."""

from streams.core.partials import NOTHING_SENT, Partial
from streams.core.windows import NO_TIME
from streams.errors import BrokenChainError


class Sources:
    """Highest `to` offset and watermark (ms) of each source partition, as one store knows them."""

    def __init__(self, n: int) -> None:
        self.to_offsets = [NOTHING_SENT] * n
        self.watermarks = [NO_TIME] * n

    @property
    def watermark(self) -> int:
        """The lowest watermark over all sources: no source will send counts for windows it closed.

        A source's idleness is that source's own affair: it raises its watermark itself.
        """
        return min(self.watermarks)

    def check(self, partial: Partial) -> None:
        """Accept a partial's place in its source's chain.

        Raises BrokenChainError when it overlaps what was merged, or leaves a gap: going on would
        count a mention twice or lose it.
        """
        source = partial.source
        if not 0 <= source < len(self.to_offsets):
            raise BrokenChainError(f"a partial count came from unknown source partition {source}")
        expected = self.to_offsets[source]
        if partial.from_offset != expected:
            kind = "overlaps" if partial.from_offset < expected else "leaves a gap after"
            raise BrokenChainError(
                f"partial count [{partial.from_offset}, {partial.to_offset}) of source partition "
                f"{source} {kind} what was counted up to {expected}"
            )

    def merged(self, partial: Partial) -> None:
        """Note a partial whose counts have been merged.

        Partials of one stretch need not be neighbours: another source's may come in between, for
        a large transaction is written in several batches.
        """
        if partial.more:
            return
        self.to_offsets[partial.source] = partial.to_offset
        self.watermarks[partial.source] = max(self.watermarks[partial.source], partial.watermark)
