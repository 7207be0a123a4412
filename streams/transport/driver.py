# ruff: noqa: ARG002  (many arguments are Faust's)
"""The Faust transport `tally://`: fetches record batches and leaves transactions to the tasks.

Extends faust-streaming 0.15.3's aiokafka driver; what is overridden is public there, but for
`_drain_messages` and `_create_worker_consumer`. `tests/broker/test_worker.py` runs a real worker.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, ClassVar

import aiokafka
from faust.transport.consumer import TransactionManager as FaustTransactionManager
from faust.transport.drivers import aiokafka as faust_driver
from faust.types import TP as FaustTP
from faust.types import ConsumerMessage

from streams.core.columns import TP
from streams.core.ports import Member
from streams.kafka import membership
from streams.kafka.record_batches import FetchedBatches, fetched_batches
from streams.settings import Settings
from streams.tasks.batch import Batch
from streams.transport.supervisor import Supervisor

log = logging.getLogger(__name__)

#: A fetch waits until this many bytes have come, or so many ms have passed: tiny fetches are dear.
FETCH_MIN_BYTES = 65_536
FETCH_MAX_WAIT_MS = 50
#: Bytes of a partition that one fetch brings.
PARTITION_FETCH_BYTES = 2**20
#: Seconds that leaving the group may take when the worker stops.
LEAVE_SECONDS = 3.0
#: Seconds to wait for records when all tasks have room, and when some are busy.
POLL_SECONDS = (0.2, 0.02)


def _settings(app: Any) -> Settings:
    """The application's settings: it is always a StreamsApp, which Faust's types can't say."""
    settings: Settings = app.settings
    return settings


class ConsumerThread(faust_driver.AIOKafkaConsumerThread):
    """Faust's consumer in its thread; hands out whole record batches."""

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        settings = _settings(self.app)
        # Faust hard-codes how a fetch waits, so the consumer is made here.
        return aiokafka.AIOKafkaConsumer(
            **settings.kafka.client_options(),
            client_id=self.app.conf.broker_client_id,
            group_id=settings.app_id,
            group_instance_id=settings.instance_id,
            partition_assignment_strategy=[self.app.assignor],
            enable_auto_commit=False,
            # Offsets are always set by a task; where one is lost, that is an error, not a reset.
            auto_offset_reset="none",
            isolation_level="read_committed",
            fetch_min_bytes=FETCH_MIN_BYTES,
            fetch_max_wait_ms=FETCH_MAX_WAIT_MS,
            max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=settings.heartbeat_interval_ms,
            rebalance_timeout_ms=settings.rebalance_timeout_ms,
            request_timeout_ms=max(settings.rebalance_timeout_ms + 5000, 15_000),
            max_poll_interval_ms=300_000,
        )

    async def on_thread_stop(self) -> None:
        """Leave the group, but not at any price: others may hold up the rebalance it waits in."""
        leaving = asyncio.ensure_future(super().on_thread_stop())
        _, unfinished = await asyncio.wait([leaving], timeout=LEAVE_SECONDS)
        if unfinished:
            log.warning("The group is rebalancing; it will miss us after the session timeout")
            leaving.cancel()
            await asyncio.wait([leaving], timeout=LEAVE_SECONDS)

    async def fetch(self, wanted: set[TP], seconds: float) -> list[FetchedBatches]:
        """Fetched batches of the `wanted` partitions."""
        fetcher = self._ensure_consumer()._fetcher
        fetched: list[FetchedBatches] = await self.call_thread(
            fetched_batches, fetcher, wanted, seconds
        )
        return fetched

    async def member(self) -> Member:
        """Our place in the group now."""
        return membership.current_member(self._ensure_consumer())

    async def confirm(self, member: Member) -> bool:
        """See `Group.confirm`."""
        confirmed: bool = await self.call_thread(
            membership.confirm, self._ensure_consumer(), member
        )
        return confirmed

    async def holds(self, member: Member) -> bool:
        """See `Group.holds`."""
        held: bool = await self.call_thread(membership.holds, self._ensure_consumer(), member)
        return held


class Consumer(faust_driver.Consumer):
    """Fetches for the supervisor's tasks, and hands their batches to Faust's streams."""

    _thread: ConsumerThread
    transactions: "TransactionManager"

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def perform_seek(self) -> None:
        """Nothing: each task seeks its own partition once it has been opened."""

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Nothing: `/health` watches the tasks' progress."""

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self.should_stop or fetcher.should_stop):
                if not self.flow_active:
                    await self.wait(self.can_resume_flow.wait())
                    continue
                await self._fetch_once()
        except asyncio.CancelledError:
            # During a rebalance Faust takes this for a crash, even if the fetcher is to stop.
            if not fetcher.should_stop:
                raise

    async def _fetch_once(self) -> None:
        tasks = self.transactions.tasks
        wanted = tasks.wanted()
        if not wanted:
            tasks.room_changed.clear()
            try:
                async with asyncio.timeout(POLL_SECONDS[0]):
                    await tasks.room_changed.wait()
            except TimeoutError:
                pass
            return
        seconds = POLL_SECONDS[0] if tasks.all_have_room else POLL_SECONDS[1]
        for fetched in await self._thread.fetch(wanted, seconds):
            tasks.put(fetched.tp, fetched.error or fetched.decode())
            await asyncio.sleep(0)

    async def deliver(self, batch: Batch) -> None:
        """Put a batch into the stream of its topic's agent."""
        tp = FaustTP(*batch.chunk.tp)
        value: Any = batch  # where Faust expects bytes; our schema hands it on as it is
        message = ConsumerMessage(
            *tp,
            batch.chunk.from_offset,
            0.0,
            0,
            [],
            None,
            value,
            None,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )
        await self.callback(message)

    async def confirm(self, member: Member) -> bool:
        """See `Group.confirm`."""
        return await self._thread.confirm(member)

    async def holds(self, member: Member) -> bool:
        """See `Group.holds`."""
        return await self._thread.holds(member)

    async def seek(self, tp: Any, offset: int) -> None:
        """See `Group.seek`. (Faust's own calls aiokafka from the wrong thread.)"""
        await self._thread.seek_wait({FaustTP(*tp): offset})

    def end_offset(self, tp: TP) -> int | None:
        """See `Group.end_offset`."""
        try:
            end: int | None = self._thread._ensure_consumer().highwater(
                aiokafka.TopicPartition(*tp)
            )
            return end
        except Exception:
            return None


class TransactionManager(FaustTransactionManager):
    """Opens and closes the tasks when partitions come and go."""

    tasks: Supervisor
    app: Any
    consumer: Any

    async def on_start(self) -> None:
        """Make the supervisor; by then the application knows its topics."""
        await super().on_start()
        self.tasks = self.app.new_supervisor(self.consumer, self.consumer.deliver)

    async def on_partitions_revoked(self, revoked: set[FaustTP]) -> None:
        """Commit or drop what is open, and close all tasks; awaited before others may own them."""
        await self.tasks.revoke()

    async def on_rebalance(
        self, assigned: set[FaustTP], revoked: set[FaustTP], newly_assigned: set[FaustTP]
    ) -> None:
        """Begin to open tasks. In the background: the client sends no heartbeat until we return."""
        await self.tasks.revoke()
        member = await self.consumer._thread.member()
        standbys = self.app.assignor.assigned_standbys() - assigned
        await self.tasks.assign((TP(*tp) for tp in assigned), member, (TP(*tp) for tp in standbys))

    async def commit(self, offsets: Mapping[Any, int], start_new_transaction: bool = True) -> bool:
        """Nothing: tasks commit their own offsets."""
        return True

    async def on_stop(self) -> None:
        """Close all tasks."""
        await self.tasks.stop()
        await super().on_stop()


class Producer(faust_driver.Producer):
    """Faust's own producer, for what user code sends outside of tasks."""

    def _settings_auth(self) -> Mapping[str, Any]:
        return _settings(self.app).kafka.client_options()


class Transport(faust_driver.Transport):
    """See the module."""

    Consumer: ClassVar[Any] = Consumer
    Producer: ClassVar[Any] = Producer
    TransactionManager: ClassVar[Any] = TransactionManager
    driver_version = f"tally on aiokafka={aiokafka.__version__}"
