"""Loopback ports: free ones, and a clear word when a wanted one is taken."""

from __future__ import annotations

import itertools
import random
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from deploy.local.errors import PortTakenError

HOST = "127.0.0.1"
# Below the range from which systems pick the ports of outgoing connections. Inside it, a client
# that retries while its broker is down could be given the broker's own port.
SEARCH_RANGE = range(20_000, 32_000)
ATTEMPTS = 200
# In turn: a port that was given to somebody who doesn't listen yet, or is being restarted, looks
# free, and would now and then be given to another.
_candidates = itertools.cycle(random.sample(SEARCH_RANGE, len(SEARCH_RANGE)))


@dataclass(frozen=True)
class Detour:
    """A broker listens on one port, but sends clients to another: a proxy's."""

    listens: int
    advertises: int


@dataclass(frozen=True)
class Addresses:
    """The ports of one broker, which is a controller too; detours by their listener's name."""

    client: int
    internal: int
    controller: int
    detours: Mapping[str, Detour] = field(default_factory=dict)


def allocate(
    brokers: int, first_port: int, detours: Sequence[str] = (), listeners: Sequence[str] = ()
) -> dict[int, Addresses]:
    """Ports for brokers 1, 2, ...: clients' from ``first_port`` upwards, or any free if it is 0.

    ``listeners`` are like ``detours``, but clients come to them directly.
    """
    if first_port:
        clients = list(range(first_port, first_port + brokers))
        for port in clients:
            _require_free(port)
    else:
        clients = _free_ports(brokers)
    others_each = 2 + 2 * len(detours) + len(listeners)
    others = iter(_free_ports(brokers * others_each, besides=clients))
    return {
        node_id: Addresses(
            client,
            next(others),
            next(others),
            {
                **{name: Detour(next(others), next(others)) for name in detours},
                **{name: Detour(port, port) for name, port in zip(listeners, others, strict=False)},
            },
        )
        for node_id, client in enumerate(clients, start=1)
    }


def free_port() -> int:
    """Any free loopback port; another one each time."""
    [port] = _free_ports(1)
    return port


def accepts_connections(port: int) -> bool:
    """Whether something listens on a loopback port by now."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0


def _free_ports(count: int, besides: list[int] | None = None) -> list[int]:
    found: list[int] = []
    for port in itertools.islice(_candidates, ATTEMPTS):
        if port not in (besides or []) and _is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise PortTakenError(f"Found no {count} free loopback ports in {ATTEMPTS} attempts")


def _require_free(port: int) -> None:
    if not _is_free(port):
        raise PortTakenError(f"Port {port} on {HOST} is taken")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As Kafka does: a port that only waits out an old connection counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
