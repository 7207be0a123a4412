"""What a task's next transaction will carry, and how it is carried out."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from streams import crash_points
from streams.core.columns import TP
from streams.core.ports import Committed, Fields, Member, TransactionalProducer


@dataclass(slots=True)
class Outgoing:
    """Records by partition, offsets, and what to do once they are committed."""

    records: dict[TP, list[Fields]] = field(default_factory=dict)
    offsets: dict[TP, Committed] = field(default_factory=dict)
    after_commit: list[Callable[[], None]] = field(default_factory=list)

    def add(self, tp: TP, record: Fields) -> None:
        """Add a record."""
        records = self.records.get(tp)
        if records is None:
            records = self.records[tp] = []
        records.append(record)


async def commit(
    producer: TransactionalProducer, outgoing: Outgoing, member: Member
) -> dict[TP, int]:
    """Carry out one transaction; returns the last offset written to each partition.

    Any error leaves the transaction to be ended by whoever next takes the transactional id: the
    caller closes the producer. A transaction is never ended while a write is unacknowledged.
    """
    await producer.begin()
    # Offsets go first: the broker checks each write against the transaction's participants, and a
    # write that overtakes the group's joining is refused and retried after a backoff.
    await producer.send_offsets(outgoing.offsets, member)
    crash_points.reached("before-produce")
    written = await asyncio.gather(
        *(producer.send(tp, records) for tp, records in outgoing.records.items())
    )
    crash_points.reached("before-end")
    await producer.commit()
    crash_points.reached("after-end")
    return dict(zip(outgoing.records, written, strict=True))
