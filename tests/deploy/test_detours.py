"""Listeners that send their clients through a proxy."""

import asyncio

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from deploy.local import LocalKafka
from deploy.local.ports import HOST
from tests.deploy.clients import consume, create_topic, produce
from tests.faults.proxy import Proxy


def test_clients_of_a_detour_come_through_the_proxy() -> None:
    with LocalKafka(detours=("ONE", "TWO")) as cluster, Proxy() as proxy:
        create_topic(cluster.client_options(), "detoured")
        detours = cluster.brokers[0].detours
        assert detours.keys() == {"ONE", "TWO"}
        for detour in detours.values():
            # Asked directly, the broker names the proxy's port, as it does through the proxy.
            assert named_port(detour.listens) == detour.advertises
            link = proxy.link(detour.advertises, detour.listens)
            options = {"bootstrap_servers": f"{HOST}:{detour.advertises}"}
            produce(options, "detoured", b"through the proxy")
            proxy.call(link.cut())
        # A cut is no matter to who comes the direct way.
        assert consume(cluster.client_options(), "detoured", 2) == [b"through the proxy"] * 2


def named_port(port: int) -> int:
    """The port at which a broker says that it is, asked at another one."""

    async def ask() -> int:
        admin = AIOKafkaAdminClient(bootstrap_servers=f"{HOST}:{port}")
        try:
            # Not `start`: that would connect to the port that the broker names.
            await admin._client.bootstrap()
            [broker] = admin._client.cluster.brokers()
            return int(broker.port)
        finally:
            await admin.close()

    return asyncio.run(ask())


def test_only_a_plain_cluster_has_detours() -> None:
    with pytest.raises(ValueError, match="only a plain cluster"):
        LocalKafka(security="sasl_ssl", detours=("ONE",))
