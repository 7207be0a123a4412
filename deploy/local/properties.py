"""A broker's ``server.properties``: small, quick to start and quick to rebalance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from deploy.local.ports import HOST, Addresses

# The listeners: for the cluster's clients, for the brokers among themselves, for the quorum.
CLIENT, INTERNAL, CONTROLLER = "CLIENT", "INTERNAL", "CONTROLLER"


def broker_properties(node_id: int, nodes: Mapping[int, Addresses], data: Path) -> dict[str, str]:
    """What any broker of a local cluster is told, whatever its security."""
    own = nodes[node_id]
    replicas, in_sync = ("3", "2") if len(nodes) >= 3 else ("1", "1")
    return {
        "process.roles": "broker,controller",
        "node.id": str(node_id),
        "log.dirs": str(data),
        "controller.quorum.voters": ",".join(
            f"{node}@{HOST}:{addresses.controller}" for node, addresses in nodes.items()
        ),
        "listeners": _listeners(
            {
                CLIENT: own.client,
                INTERNAL: own.internal,
                CONTROLLER: own.controller,
                **{name: detour.listens for name, detour in own.detours.items()},
            }
        ),
        "advertised.listeners": _listeners(
            {
                CLIENT: own.client,
                INTERNAL: own.internal,
                **{name: detour.advertises for name, detour in own.detours.items()},
            }
        ),
        "inter.broker.listener.name": INTERNAL,
        "controller.listener.names": CONTROLLER,
        # A broker that was killed is let in again only when its old session has ended; the
        # default of 9 s would be the longest part of a restart.
        "broker.session.timeout.ms": "4000",
        "broker.heartbeat.interval.ms": "500",
        "auto.create.topics.enable": "false",
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
        # The default of 50 partitions each costs the first consumer and producer seconds.
        "offsets.topic.num.partitions": "5",
        "transaction.state.log.num.partitions": "5",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
    }


def render(properties: Mapping[str, str]) -> str:
    """The text of a Java properties file, in which a backslash would start an escape."""
    escaped = {key: value.replace("\\", "\\\\") for key, value in properties.items()}
    return "".join(f"{key}={value}\n" for key, value in escaped.items())


def _listeners(ports: Mapping[str, int]) -> str:
    return ",".join(f"{name}://{HOST}:{port}" for name, port in ports.items())
