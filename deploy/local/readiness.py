"""Waits until a broker can be worked with."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from aiokafka.errors import KafkaError

from deploy.local.broker import Broker
from deploy.local.client import living_brokers
from deploy.local.errors import BrokerNotReadyError
from deploy.local.ports import accepts_connections
from deploy.local.process import last_words

READY_SECONDS = 90.0
POLL_SECONDS = 0.1


def wait_until_ready(broker: Broker, options: Mapping[str, Any], expected: set[int]) -> None:
    """Return when ``broker`` serves clients and counts all ``expected`` brokers as alive."""
    deadline = time.monotonic() + READY_SECONDS
    while not _is_ready(broker, options, expected):
        broker.check_alive()
        if time.monotonic() > deadline:
            raise BrokerNotReadyError(
                f"Broker {broker.node_id} runs but was not ready in {READY_SECONDS:.0f} s; "
                f"from its log {broker.log}:\n{last_words(broker.log)}"
            )
        time.sleep(POLL_SECONDS)


def _is_ready(broker: Broker, options: Mapping[str, Any], expected: set[int]) -> bool:
    # Without this look first, aiokafka would log an error at each attempt.
    port = int(broker.address.rpartition(":")[2])
    if not accepts_connections(port):
        return False
    try:
        return expected <= living_brokers(options)
    except (KafkaError, OSError):
        return False
