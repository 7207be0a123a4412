"""What differs between an open and a secured cluster, behind one interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from deploy.local.properties import CLIENT, CONTROLLER, INTERNAL

SecurityName = Literal["plain", "sasl_ssl"]


class Security(Protocol):
    """How clients and brokers prove who they are."""

    def broker_properties(self) -> Mapping[str, str]:
        """What to add to each broker's properties."""

    def format_arguments(self) -> list[str]:
        """What to add when a broker's storage is formatted."""

    def client_env(self, user: str | None) -> dict[str, str]:
        """The ``KAFKA_*`` variables of a user's client, all but the bootstrap address."""

    def admin_env(self) -> dict[str, str]:
        """The same for the one who may do everything."""


class Plain:
    """Anyone who can reach the loopback interface may do everything.

    Added ``listeners`` may ask more of those who come there; see :class:`LocalKafka`.
    """

    def __init__(
        self, detours: Sequence[str] = (), listeners: Mapping[str, str] | None = None
    ) -> None:
        open_to_all = dict.fromkeys((CLIENT, INTERNAL, CONTROLLER, *detours), "PLAINTEXT")
        self._protocols = {**open_to_all, **(listeners or {})}

    def broker_properties(self) -> Mapping[str, str]:
        pairs = (f"{name}:{protocol}" for name, protocol in self._protocols.items())
        return {"listener.security.protocol.map": ",".join(pairs)}

    def format_arguments(self) -> list[str]:
        return []

    def client_env(self, user: str | None) -> dict[str, str]:
        if user is not None:
            raise ValueError(f"a plain cluster knows no users, so it doesn't know {user!r}")
        return {}

    def admin_env(self) -> dict[str, str]:
        return {}
