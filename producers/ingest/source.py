"""What a source is: everything else of the gateway is the same for all.

A module of `sources` has a function `source(gateway)` that returns one. `run` reads, hands records
to `gateway.outlet`, and acknowledges each to where it came from after `acknowledged()` has
returned, never before; `in_order` does that for batches. Its reads are bounded by the outlet, which
makes it wait.
"""

from typing import Protocol


class Source(Protocol):
    """See the module."""

    async def run(self) -> None:
        """Read until there is no more, or until cancelled.

        Cancelled, it reads no more and acknowledges what it has read; cancelled again, it gives
        that up. Raises IngestError when it can't go on now: it is run again after a pause, and
        begins with what isn't acknowledged. Raises StartError when a person has to act.
        """
        ...
