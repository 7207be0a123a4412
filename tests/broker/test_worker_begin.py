"""Many workers that start at the same moment, on a cluster that has never seen the application."""

import asyncio
from contextlib import AsyncExitStack

from streams.core.columns import TP
from streams.core.windows import TumblingWindows
from streams.kafka.cluster import KafkaCluster
from streams.tasks.topology import WindowedTable
from streams.transport.prepare import begin_offsets
from tests.application import Kafka, create_topics

WORKERS = 30


async def test_all_of_them_get_past_the_first_offsets(kafka: Kafka, topic: str) -> None:
    options = kafka.client_options()
    count = WindowedTable("n", TumblingWindows(1000), "", topic, f"{topic}-p", f"{topic}-c")
    partitions = dict.fromkeys((topic, f"{topic}-p", f"{topic}-c"), 3)
    await create_topics(options, *partitions, partitions=3)
    async with AsyncExitStack() as stack:
        clusters = [KafkaCluster(options, 10_000) for _ in range(WORKERS)]
        for cluster in clusters:
            await cluster.start()
            stack.push_async_callback(cluster.stop)
        async with asyncio.timeout(60):
            await asyncio.gather(
                *(begin_offsets(cluster, topic, count, partitions) for cluster in clusters)
            )
        sources = [TP(topic, partition) for partition in range(3)]
        found = await clusters[0].committed(topic, sources)
        assert found == dict.fromkeys(sources, (0, ""))
