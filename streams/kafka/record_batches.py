"""Hook: stop aiokafka's fetcher at Kafka's own record batches, not at an object a record.

Written for aiokafka 0.14.0; `tests/contract/test_record_batches.py` compares it with `getmany`.
What is used of aiokafka's inside: `Fetcher._records`, `FetchResult` and `FetchError`,
`PartitionRecords._records`, `_consume_aborted_up_to`, `_contains_abort_marker`, and the fetcher
module's `MemoryRecords`, which is replaced by one that keeps the bytes it reads. Skipping aborted
transactions and control batches follows `PartitionRecords._unpack_records`.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from aiokafka.consumer import fetcher as fetcher_module
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.memory_records import MemoryRecords

from streams.core.columns import TP, Chunk, Columns
from streams.errors import TaskStoppedError
from streams.kafka.batch_columns import RawBatch, columns_of


class KeptRecords(MemoryRecords):  # type: ignore[misc, valid-type]  # it is compiled
    """aiokafka's reader of a fetch, and the bytes themselves."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.data = data


fetcher_module.MemoryRecords = KeptRecords  # type: ignore[attr-defined]


@dataclass(slots=True)
class FetchedBatches:
    """What was fetched of a partition, still encoded; `error` if the broker refused the fetch."""

    tp: TP
    from_offset: int
    next_offset: int
    batches: list[RawBatch]
    error: Exception | None = None

    def records(self) -> Iterator[Iterable[Any]]:
        """The records of each batch, decoded as they are iterated; none below `from_offset`."""
        for raw in self.batches:
            if raw.header.base_offset < self.from_offset:
                yield [r for r in raw.header if r.offset >= self.from_offset]
            else:
                yield raw.header

    def decode(self) -> Chunk:
        """The records as columns, which are made as they are read."""
        return Chunk(self.tp, self.from_offset, self.next_offset, Encoded(self))


class Encoded:
    """A fetch's record batches, decoded one at a time while they are read: once, for they are gone.

    What a batch holds is then still in the processor's cache when it is counted, and is freed
    before the next one needs the same memory.
    """

    def __init__(self, fetched: FetchedBatches) -> None:
        self._fetched: FetchedBatches | None = fetched

    def __iter__(self) -> Iterator[Columns]:
        fetched, self._fetched = self._fetched, None
        if fetched is None:
            raise TaskStoppedError(
                "the records of a batch were read a second time", "Read them once, into a list"
            )
        for raw in fetched.batches:
            yield columns_of(raw, fetched.from_offset)


async def fetched_batches(
    fetcher: Any, wanted: Collection[TP], seconds: float
) -> list[FetchedBatches]:
    """What the fetcher has for the `wanted` partitions; waits up to `seconds` for some.

    Has to run in the event loop of the fetcher's consumer.
    """
    with fetcher._subscriptions.fetch_context():
        taken = list(_take(fetcher, wanted))
        if not taken and seconds > 0:
            waiter = fetcher._create_fetch_waiter()
            done, _ = await asyncio.wait([waiter], timeout=seconds)
            if done and not fetcher._closed:
                waiter.result()  # raises what refused all fetches, such as a denied topic
                taken = list(_take(fetcher, wanted))
            else:
                waiter.cancel()
    return taken


def _take(fetcher: Any, wanted: Collection[TP]) -> Iterator[FetchedBatches]:
    if fetcher._subscriptions.reassignment_in_progress:
        return
    for tp in list(fetcher._records):
        if tp not in wanted:
            if not fetcher._subscriptions.is_assigned(tp):
                del fetcher._records[tp]
            continue
        result = fetcher._records.pop(tp)
        fetcher._notify(fetcher._wait_consume_future)
        ours = TP(tp.topic, tp.partition)
        if not isinstance(result, FetchResult):
            yield FetchedBatches(ours, 0, 0, [], result._error)
        elif result.has_more() and result.check_assignment(tp):
            yield _batches_of(ours, result)


def _batches_of(tp: TP, result: Any) -> FetchedBatches:
    records: PartitionRecords = result._partition_records
    from_offset = records.next_fetch_offset
    batches = list(_visible(records))
    result._update_position()
    return FetchedBatches(tp, from_offset, records.next_fetch_offset, batches)


def _visible(records: Any) -> Iterator[RawBatch]:
    """The batches that a reader may see; moves `next_fetch_offset` past all others too."""
    read_committed = records._isolation_level == READ_COMMITTED
    at = 0
    while records._records.has_next():
        batch = records._records.next_batch()
        raw = RawBatch.at(batch, records._records.data, at)
        at = raw.end
        if records._check_crcs and not batch.validate_crc():
            raise CorruptRecordException(f"Invalid CRC - {records._tp}")
        visible = not batch.is_control_batch
        if read_committed and batch.producer_id is not None:
            records._consume_aborted_up_to(batch.base_offset)
            if batch.is_control_batch and records._contains_abort_marker(batch):
                records._aborted_producers.discard(batch.producer_id)
            if batch.is_transactional and batch.producer_id in records._aborted_producers:
                visible = False
        # A batch may end below the offset asked for, when compaction has emptied its tail.
        if visible and batch.next_offset > records.next_fetch_offset:
            yield raw
        records.next_fetch_offset = max(records.next_fetch_offset, batch.next_offset)
