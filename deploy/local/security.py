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
    """Anyone who can reach the loopback interface may do everything."""

    def __init__(self, detours: Sequence[str] = ()) -> None:
        self._listeners = (CLIENT, INTERNAL, CONTROLLER, *detours)

    def broker_properties(self) -> Mapping[str, str]:
        open_to_all = (f"{name}:PLAINTEXT" for name in self._listeners)
        return {"listener.security.protocol.map": ",".join(open_to_all)}

    def format_arguments(self) -> list[str]:
        return []

    def client_env(self, user: str | None) -> dict[str, str]:
        if user is not None:
            raise ValueError(f"a plain cluster knows no users, so it doesn't know {user!r}")
        return {}

    def admin_env(self) -> dict[str, str]:
        return {}
