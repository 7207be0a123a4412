"""Clusters that several tests share, for a start costs seconds."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from deploy.local import LocalKafka
from tests.deploy.clients import ALICE_PASSWORD


@pytest.fixture(scope="session")
def plain() -> Iterator[LocalKafka]:
    cluster = LocalKafka(quiet=True)
    # In a thread that ends at once, as below asyncio.to_thread: the broker must outlive it.
    with ThreadPoolExecutor(1) as short_lived:
        short_lived.submit(cluster.start).result()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def secure() -> Iterator[LocalKafka]:
    users = {"alice": ALICE_PASSWORD}
    with LocalKafka(security="sasl_ssl", users=users, quiet=True) as cluster:
        yield cluster
