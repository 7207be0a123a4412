"""The Faust application class: agents that receive batches, windowed tables, and the tasks."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import faust
from aiokafka.errors import KafkaError
from faust.types import AgentT, StreamT

from streams.access import explain
from streams.core.aggregating import Events
from streams.core.aggregation import Aggregation
from streams.core.columns import TP
from streams.core.value_table import COMPILED
from streams.core.windows import TumblingWindows
from streams.errors import NotReadyError, StartError, TallyError
from streams.kafka.cluster import KafkaCluster, WallClock
from streams.schemas.formats import Formats
from streams.settings import Settings
from streams.state.rocksdb import RocksStore
from streams.tasks.archive import Archive
from streams.tasks.batch import Batch, Batches, Body, run_body
from streams.tasks.context import TaskContext
from streams.tasks.factory import TaskFactory
from streams.tasks.results import SinkBody
from streams.tasks.topology import (
    ArchiveSink,
    Sink,
    Topology,
    Updates,
    WindowedTable,
    changelog_topic,
    partials_topic,
)
from streams.transport import memory, web_server
from streams.transport.lease import Lease
from streams.transport.prepare import begin_offsets, prepare_topics
from streams.transport.schema import BatchSchema
from streams.transport.slot import Group
from streams.transport.standbys import Standbys
from streams.transport.supervisor import Supervisor
from streams.transport.table import AggregateTable, CountTable, Table
from streams.transport.web_server import AddRoutes

log = logging.getLogger(__name__)

T = TypeVar("T", bound=Table)


class StreamsApp(faust.App):
    """A Faust application whose agents work on batches, in transactions."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.app_id, **faust_options(settings))
        self.settings = settings
        #: The agents' bodies by the topic they read; the test driver runs the same ones.
        self.bodies: dict[str, Body] = {}
        #: The topics that agents write to.
        self.output_topics: list[str] = []
        #: What else the worker's web server serves.
        self.web_parts: list[AddRoutes] = []
        #: How topics' values are encoded; ask it for a writer before the application starts.
        self.formats = Formats(settings)
        self.tasks: Supervisor | None = None
        self._specs: list[WindowedTable] = []
        self._closing: list[Callable[[], Awaitable[None]]] = []
        self._sinks: list[Sink | ArchiveSink] = []
        self._cluster: KafkaCluster | None = None
        self._context: TaskContext | None = None

    @property
    def topology(self) -> Topology:
        """What the declared tables and agents come to."""
        return Topology(tuple(self._specs), tuple(self._sinks))

    def windowed_count(
        self, name: str, *, source: str, windows: TumblingWindows, selection: str, help: str = ""
    ) -> CountTable:
        """Declare a windowed count of the records of topic `source`.

        `selection` lists the functions that an agent of `source` applies to the values, in their
        order: stored counts depend on them, so starting with others is refused.
        """
        spec = self._spec(name, source, windows, selection)
        return self._declare(CountTable, spec, help)

    def windowed_aggregate(
        self,
        name: str,
        *,
        source: str,
        windows: TumblingWindows,
        selection: str,
        aggregation: Aggregation[Any],
        events: Events,
        updates: Updates | None = None,
        help: str = "",
    ) -> AggregateTable:
        """Declare a windowed aggregation of the records of topic `source`.

        `selection` says which of its `events` are added up: stored state depends on it, so starting
        with another one is refused. With `updates`, what the keys' records of all time come to is
        kept and told as well.
        """
        spec = replace(
            self._spec(name, source, windows, selection),
            aggregation=aggregation,
            events=events,
            updates=updates,
        )
        if updates is not None:
            self.output_topics.append(updates.topic)
        return self._declare(AggregateTable, spec, help)

    def _spec(
        self, name: str, source: str, windows: TumblingWindows, selection: str
    ) -> WindowedTable:
        app_id = self.settings.app_id
        return WindowedTable(
            name=name,
            windows=windows,
            selection=selection,
            source_topic=source,
            partials_topic=partials_topic(app_id, name),
            changelog_topic=changelog_topic(app_id, name),
        )

    def _declare(self, kind: type[T], spec: WindowedTable, help: str) -> T:
        self._specs.append(spec)
        partials = self._batch_topic(spec.partials_topic)
        table = kind(self, spec=spec, partials=partials, help=help)
        self.tables.add(table)
        return table

    def batch_agent(
        self, topic: str | faust.TopicT, *, name: str, sends_to: Sequence[str] = ()
    ) -> Callable[[Body], AgentT[Any]]:
        """Make an agent of a function that iterates over a topic's batches.

        `sends_to` names the topics that it writes to: they are made if they are missing, and their
        partitions are known from the start.
        """
        channel = self._batch_topic(topic) if isinstance(topic, str) else topic

        def decorate(body: Body) -> AgentT[Any]:
            async def run(stream: StreamT[Any]) -> None:
                await run_body(body, aiter(stream))

            run.__doc__, run.__qualname__ = body.__doc__, name
            self.bodies[channel.get_topic_name()] = body
            self.output_topics += sends_to
            return self.agent(channel, name=name)(run)

        return decorate

    def sink_agent(self, topic: str, *, name: str) -> Callable[[SinkBody], SinkBody]:
        """Make a sink of a function that delivers a topic's records to somewhere outside of Kafka.

        It gets the `Results` of one partition, runs once for each that this worker is assigned, and
        is cancelled when that goes. A topic has one offset in a group, so it has one sink.
        """
        self._refuse_second_reader(topic, name)

        def decorate(body: SinkBody) -> SinkBody:
            self._add_sink(Sink(name, topic, body))
            return body

        return decorate

    def archive(self, topic: str, archive: Archive, *, name: str) -> None:
        """Archive a topic's records. It can have no other sink."""
        self._refuse_second_reader(topic, name)
        self._add_sink(ArchiveSink(name, topic, archive))

    def _refuse_second_reader(self, topic: str, name: str) -> None:
        if topic in self.bodies:
            raise StartError(
                f"{name} can't deliver {topic}: the application reads that topic already",
                "Run it as an application of its own, with another STREAMS_APP_ID",
            )

    def _add_sink(self, sink: Sink | ArchiveSink) -> None:
        self._sinks.append(sink)

        @self.batch_agent(sink.topic, name=f"{sink.name}-{sink.topic}")
        async def hand_over(batches: Batches) -> None:
            async for batch in batches:
                batch.task.take(batch)

    def _batch_topic(self, name: str) -> faust.TopicT:
        # Offsets are committed in the tasks' transactions, so Faust has nothing to acknowledge.
        return self.topic(name, schema=BatchSchema(), acks=False)

    async def on_first_start(self) -> None:
        """Check the cluster and what it holds, before any service starts."""
        memory.few_arenas()
        if not COMPILED:
            log.warning("Counting takes twice the CPU: Tally was installed without a C compiler")
        self.conf.datadir.mkdir(parents=True, exist_ok=True)  # Faust makes no parents
        try:
            await self._prepare()
        except (KafkaError, OSError) as exc:
            raise SystemExit(f"tally: {explain(exc, self.settings.kafka)}") from None
        except TallyError as exc:
            # Through the event loop to the top: one line and exit code 1, whoever runs the worker.
            raise SystemExit(f"tally: {exc}") from None
        await super().on_first_start()
        memory.collect_garbage_rarely()

    async def _prepare(self) -> None:
        settings = self.settings
        await self.formats.start()
        partitions = await prepare_topics(settings, self.topology, self.output_topics)
        self._cluster = KafkaCluster(
            settings.kafka.client_options(), settings.transaction_timeout_ms
        )
        await self._cluster.start()
        for table in self.topology.tables:
            await begin_offsets(self._cluster, settings.app_id, table, partitions)
        self._context = TaskContext(
            settings=settings,
            cluster=self._cluster,
            clock=WallClock(),
            partitions=partitions,
            format_of=self.formats.of,
        )

    def on_webserver_init(self, web: Any) -> None:
        """Add the routes that are aiohttp's own."""
        super().on_webserver_init(web)
        web_server.extend(web, self.web_parts, self.settings.live.handshake_ms / 1000)

    def new_supervisor(
        self, group: Group, deliver: Callable[[Batch], Awaitable[None]]
    ) -> Supervisor:
        """Make the owner of this worker's tasks; called by the transport when it starts."""
        assert self._context is not None, "tasks run after the application has started"
        factory = TaskFactory(self._context, self.topology, self._store)
        standbys = Standbys(factory.standby, self._context.cluster.follower())
        # Less than half of a session, which leaves time for a slow answer.
        lease = Lease(group, self.settings.heartbeat_interval_ms / 1000)
        self.tasks = Supervisor(factory, group, deliver, self._fail, standbys, lease)
        return self.tasks

    def task_of(self, table: str, key: bytes) -> TP:
        """The partition whose second-stage task counts `key`; raises NotReadyError."""
        if self._context is None:
            raise NotReadyError("the worker is starting")
        topic = self.topology.named(table).partials_topic
        return TP(topic, self._context.partition_of(topic, key))

    def _store(self, table: WindowedTable, partition: int) -> RocksStore:
        state = self.settings.data_dir / self.settings.app_id / "state"
        return RocksStore(state / table.name / str(partition), table.aggregation)

    async def _fail(self, exc: StartError) -> None:
        log.critical("The worker stops: %s", exc)
        await self.crash(exc)

    async def on_stop(self) -> None:
        """Close the connections of look-ups, and to the schema registry."""
        await super().on_stop()
        await self.formats.aclose()
        if self._cluster is not None:
            await self._cluster.stop()

    def when_stopped(self, close: Callable[[], Awaitable[None]]) -> None:
        """Await `close` when the worker ends, once no task runs any more."""
        self._closing.append(close)

    async def on_shutdown(self) -> None:
        """Close what sinks hold open."""
        await super().on_shutdown()
        for close in self._closing:
            await close()


def faust_options(settings: Settings) -> dict[str, Any]:
    """Faust's own settings, as far as they depend on ours or differ from its defaults.

    Raises SettingError if the web server's certificate can't be used.
    """
    rebalance_s = settings.rebalance_timeout_ms / 1000
    return {
        "broker": [f"tally://{address}" for address in settings.kafka.bootstrap],
        "processing_guarantee": "exactly_once",
        "datadir": str(settings.data_dir / settings.app_id / "faust"),
        "store": "memory://",
        # The assignor is told how many standbys to give each task.
        "table_standby_replicas": settings.standbys,
        "TableManager": "streams.transport.tables:Tables",
        "PartitionAssignor": "streams.transport.assignor:Assignor",
        # A stream holds whole fetches, so that few are enough.
        "stream_buffer_maxsize": 4,
        "stream_wait_empty": False,
        "stream_recovery_delay": 0,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "broker_session_timeout": settings.session_timeout_ms / 1000,
        "broker_heartbeat_interval": settings.heartbeat_interval_ms / 1000,
        "broker_rebalance_timeout": rebalance_s,
        "broker_request_timeout": max(rebalance_s + 5, 15),
        "consumer_group_instance_id": settings.instance_id,
        "web_bind": settings.web_host,
        "web_host": settings.web_host,
        "web_port": settings.web_port,
        "web": web_server.URL,
        "web_ssl_context": settings.live.tls_context(),
        # Told to the whole group, so that questions find the worker that can answer them.
        "canonical_url": settings.advertised_url,
        # Faust's own pages know nothing of our tables.
        "web_router_enabled": False,
        "web_tables_enabled": False,
    }
