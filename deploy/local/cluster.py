"""A real Kafka on loopback, from a handful of Python packages."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from deploy.local.access import (
    Operation,
    Pattern,
    ResourceType,
    Rule,
    allow,
    everything_an_app_needs,
)
from deploy.local.broker import STOP_SECONDS, Broker
from deploy.local.client import client_options
from deploy.local.folder import DataFolder
from deploy.local.jars import fetch
from deploy.local.java import Java
from deploy.local.ports import HOST, allocate
from deploy.local.progress import Reporter
from deploy.local.readiness import wait_until_ready
from deploy.local.sasl_ssl import DEFAULT_USER, SaslSsl
from deploy.local.security import Plain, Security, SecurityName
from deploy.local.storage import BrokerHome, format_storage

# Three brokers share a small machine; one alone may take what a test with load needs.
HEAP_MB = {1: 512, 3: 320}
TOOL_HEAP_MB = 128


class LocalKafka:
    """One or three Kafka brokers, started for as long as a ``with`` block lasts.

        with LocalKafka(brokers=3) as cluster:
            producer = AIOKafkaProducer(bootstrap_servers=cluster.bootstrap)

    Without ``data_dir`` everything is thrown away at the end. With it, the next start on the same
    folder finds topics, records, users and access rules again. ``port`` is the first broker's; 0
    means any free ones. ``config`` is added to each broker's properties. ``users`` (name to
    password) are known to a ``sasl_ssl`` cluster beside "admin", who may do everything, and
    "tally", who may do what an application needs; any other needs :meth:`allow` first.

    The calls block. In a coroutine, use ``asyncio.to_thread``. Should this Python process die, on
    Linux its brokers die too, but a temporary data folder stays behind.
    """

    def __init__(
        self,
        brokers: Literal[1, 3] = 1,
        data_dir: Path | str | None = None,
        security: SecurityName = "plain",
        port: int = 0,
        config: Mapping[str, str] | None = None,
        *,
        users: Mapping[str, str] | None = None,
        heap_mb: int | None = None,
        tiered: bool = False,
        quiet: bool = False,
        detours: Sequence[str] = (),
        listeners: Mapping[str, str] | None = None,
        java_options: Sequence[str] = (),
    ) -> None:
        """``tiered`` lets Java optimise fully: slower to start, faster under a long load.

        ``detours`` names listeners for clients that come through a proxy of the caller's: each
        broker then has a :attr:`Broker.detours` of that name, and the caller forwards its ports.

        ``listeners`` adds some to a plain cluster, each with its security protocol; ``config`` says
        how clients prove there who they are, and :meth:`listener` where they are.
        """
        if brokers not in HEAP_MB:
            raise ValueError(f"a local cluster has 1 or 3 brokers, not {brokers}")
        if users and security == "plain":
            raise ValueError("a plain cluster knows no users")
        if (detours or listeners) and security != "plain":
            raise ValueError("only a plain cluster has detours, or other listeners")
        self.brokers: list[Broker] = []
        self._size = brokers
        self._data_dir = data_dir
        self._security_name = security
        self._port = port
        self._config = dict(config or {})
        self._users = users
        self._heap_mb = heap_mb or HEAP_MB[brokers]
        self._tiered = tiered
        self._reporter = Reporter(quiet)
        self._detours = detours
        self._listeners = dict(listeners or {})
        self._java_options = tuple(java_options)
        self._security: Security = Plain(detours, self._listeners)
        self._folder: DataFolder | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def bootstrap(self) -> str:
        """The brokers' addresses, as clients take them."""
        return ",".join(broker.address for broker in self.brokers)

    def listener(self, name: str) -> str:
        """The brokers' addresses for one of the added listeners."""
        ports = (broker.detours[name].listens for broker in self.brokers)
        return ",".join(f"{HOST}:{port}" for port in ports)

    def tool(self, main_class: str, *arguments: str) -> list[str]:
        """The command that runs one of Kafka's own tools."""
        java = Java(tuple(fetch(self._reporter)), TOOL_HEAP_MB, tiered=False)
        return java.command(main_class, *arguments)

    def env(self, user: str | None = None) -> dict[str, str]:
        """The ``KAFKA_*`` variables that a client needs; in a secured cluster, as ``user``."""
        return {"KAFKA_BOOTSTRAP": self.bootstrap, **self._security.client_env(user)}

    def client_options(self, user: str | None = None) -> dict[str, Any]:
        """The same as keyword arguments of aiokafka's clients."""
        return client_options(self.env(user))

    @property
    def folder(self) -> Path:
        """Where the cluster keeps its files; a temporary folder is gone after the stop."""
        if self._folder is None:
            raise RuntimeError("this cluster was not started yet")
        return self._folder.path

    def logs(self) -> list[Path]:
        """Each broker's log file."""
        return [broker.log for broker in self.brokers]

    def allow(
        self,
        user: str,
        resource_type: ResourceType,
        name: str,
        operations: Operation | tuple[Operation, ...],
        pattern: Pattern = "literal",
    ) -> None:
        """Let ``user`` do something with one resource, those with a prefix, or all ("*")."""
        if self._security_name == "plain":
            raise ValueError("in a plain cluster everyone may do everything")
        wanted = (operations,) if isinstance(operations, str) else operations
        allow(
            self._admin_options(self.bootstrap), [Rule(user, resource_type, name, wanted, pattern)]
        )

    def start(self) -> None:
        """Download what is missing, start all brokers, and return when clients can work."""
        if self.brokers:
            raise RuntimeError("this cluster is already started")
        try:
            self._prepare()
            self._start_brokers()
        except BaseException:
            self.stop()
            raise
        self._reporter.say(f"ready at {self.bootstrap}")

    def stop(self) -> None:
        """Stop all brokers: at once if the data is thrown away, else in order and bounded."""
        deadline = time.monotonic() + STOP_SECONDS
        for broker in self.brokers:
            broker.terminate() if self._temporary is None else broker.kill()
        for broker in self.brokers:
            broker.wait_stopped(max(0.0, deadline - time.monotonic()))
        self.brokers = []
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    def _prepare(self) -> None:
        self._folder = folder = DataFolder(self._choose_folder())
        layout = folder.open(self._size, self._security_name)
        nodes = allocate(self._size, self._port, self._detours, list(self._listeners))
        if self._security_name == "sasl_ssl":
            self._security = SaslSsl(folder.secrets, self._users)
        java = Java(tuple(fetch(self._reporter)), self._heap_mb, self._tiered, self._java_options)
        homes = {node_id: BrokerHome(folder.broker(node_id)) for node_id in nodes}
        for node_id, home in homes.items():
            home.configure(node_id, nodes, {**self._security.broker_properties(), **self._config})
        if fresh := [home for home in homes.values() if not home.formatted]:
            self._reporter.say("formatting storage")
            format_storage(java, fresh, layout.cluster_id, self._security.format_arguments())
        self.brokers = [
            Broker(
                node_id,
                nodes[node_id],
                java.command("kafka.Kafka", str(home.properties)),
                home.log,
                self._wait_until_ready,
            )
            for node_id, home in homes.items()
        ]

    def _choose_folder(self) -> Path:
        if self._data_dir is not None:
            return Path(self._data_dir).resolve()
        self._temporary = tempfile.TemporaryDirectory(
            prefix="tally-kafka-", ignore_cleanup_errors=True
        )
        return Path(self._temporary.name).resolve()

    def _start_brokers(self) -> None:
        for broker in self.brokers:
            self._reporter.say(f"starting broker {broker.node_id} of {self._size}")
            broker.launch()
        for broker in self.brokers:
            self._wait_until_ready(broker, {other.node_id for other in self.brokers})
        if self._security_name == "sasl_ssl":
            allow(self._admin_options(self.bootstrap), everything_an_app_needs(DEFAULT_USER))

    def _wait_until_ready(self, broker: Broker, others: set[int] | None = None) -> None:
        expected = {broker.node_id} if others is None else others
        wait_until_ready(broker, self._admin_options(broker.address), expected)

    def _admin_options(self, bootstrap: str) -> dict[str, Any]:
        return client_options({"KAFKA_BOOTSTRAP": bootstrap, **self._security.admin_env()})
