"""Speaks to a cluster through aiokafka: is it there, who is in it, who may do what.

Everything here is synchronous. Each call runs in a thread with an event loop of its own, so it
works below a running loop too.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from aiokafka.admin import AIOKafkaAdminClient

REQUEST_TIMEOUT_MS = 5_000

T = TypeVar("T")


def client_options(env: Mapping[str, str]) -> dict[str, Any]:
    """aiokafka's keyword arguments for the cluster that the ``KAFKA_*`` variables name."""
    options: dict[str, Any] = {"bootstrap_servers": env["KAFKA_BOOTSTRAP"]}
    protocol = env.get("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
    options["security_protocol"] = protocol
    if protocol.endswith("SSL"):
        options["ssl_context"] = ssl.create_default_context(cafile=env.get("KAFKA_SSL_CAFILE"))
    if protocol.startswith("SASL"):
        options["sasl_mechanism"] = env["KAFKA_SASL_MECHANISM"]
        options["sasl_plain_username"] = env["KAFKA_SASL_USERNAME"]
        options["sasl_plain_password"] = env["KAFKA_SASL_PASSWORD"]
    return options


def living_brokers(options: Mapping[str, Any]) -> set[int]:
    """The ids of the brokers that the asked one counts as registered and alive."""

    async def ask() -> set[int]:
        admin = AIOKafkaAdminClient(**options, request_timeout_ms=REQUEST_TIMEOUT_MS)
        try:
            await admin.start()
            cluster = await admin.describe_cluster()
            return {broker["node_id"] for broker in cluster["brokers"]}
        finally:
            await admin.close()

    return run(ask())


def run(work: Coroutine[Any, Any, T]) -> T:
    """Wait for ``work`` in a thread of its own."""
    with ThreadPoolExecutor(1, thread_name_prefix="kafka-admin") as pool:
        return pool.submit(asyncio.run, work).result()
