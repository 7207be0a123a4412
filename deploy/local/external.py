"""The cluster to work with: the one that ``KAFKA_BOOTSTRAP`` names, else a local one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from deploy.local.cluster import LocalKafka
from streams.kafka_settings import KafkaSettings

BOOTSTRAP = "KAFKA_BOOTSTRAP"


class ExternalKafka:
    """A cluster that somebody else runs: where it is and how to log in, nothing more."""

    def __init__(self, variables: dict[str, str]) -> None:
        self._variables = variables

    @property
    def bootstrap(self) -> str:
        """The brokers' addresses, as clients take them."""
        return self._variables[BOOTSTRAP]

    def env(self) -> dict[str, str]:
        """The ``KAFKA_*`` variables that a client needs."""
        return dict(self._variables)

    def client_options(self) -> dict[str, Any]:
        """The same as keyword arguments of aiokafka's clients."""
        return KafkaSettings.from_env(self._variables).client_options()


def external_kafka() -> ExternalKafka | None:
    """The cluster that the environment names, if it names one."""
    if not os.environ.get(BOOTSTRAP):
        return None
    return ExternalKafka({k: v for k, v in os.environ.items() if k.startswith("KAFKA_")})


@contextmanager
def local_or_external(**options: Any) -> Iterator[LocalKafka | ExternalKafka]:
    """The external cluster if there is one; else a :class:`LocalKafka` with these options."""
    if external := external_kafka():
        yield external
    else:
        with LocalKafka(**options) as cluster:
            yield cluster
