"""How fast a lost disk is restored: a worker's stores from their changelogs, all at once.

`python -m benchmarks.restore` on the cluster that KAFKA_BOOTSTRAP names, else on one broker of its
own; the table goes into RESULTS.md. Each restore runs in a process of its own, so that its CPU and
peak memory are its own too.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks import topics
from benchmarks.report import machine, save
from deploy.local import local_or_external
from streams.core.columns import TP
from streams.core.ports import Fields
from streams.kafka.cluster import KafkaCluster
from streams.settings import KafkaSettings
from streams.state.changelog import BOOKKEEPING_KEY, Bookkeeping, encode_count, window_prefix
from streams.state.restore import restore
from streams.state.rocksdb import RocksStore
from streams.transport import memory

#: Keys that one transaction writes: about what a busy worker commits at once.
KEYS_A_TRANSACTION = 10_000
WINDOW = 1_600_000_000_000
TIMEOUT_MS = 30_000

TITLE = (
    "## Restoring",
    "",
    "`python -m benchmarks.restore`",
    "",
    f"A worker with an empty disk restores {topics.PARTITIONS} stores at the same time.",
)
HEAD = (
    "| keys | time | records/s | CPU s per million | records/s and core | peak RSS |",
    "| --- " * 6 + "|",
)


def main(argv: Sequence[str] | None = None) -> None:
    """Fill changelogs and restore them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.restore", description=__doc__)
    add = parser.add_argument
    add("--keys", type=int, nargs="+", default=[1_000_000, 5_000_000], help="in all partitions")
    add("--runs", type=int, default=3, help="restores of the same changelog")
    add("--dry", action="store_true", help="print only, leave RESULTS.md as it is")
    add("--restore", metavar="TOPIC", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.restore:
        asyncio.run(_restore(args.restore))
        return
    lines = [*TITLE, machine(), "", *HEAD]
    with local_or_external(tiered=True) as cluster:
        for keys in args.keys:
            lines += _measure({**os.environ, **cluster.env()}, keys, args.runs)
    print("\n".join(lines))
    if not args.dry:
        save("restore", "\n".join(lines))


def _measure(environ: Mapping[str, str], keys: int, runs: int) -> Iterator[str]:
    """A line of the table for each run."""
    kafka = KafkaSettings.from_env(environ)
    topic = f"benchmark-changelog-{os.getpid()}-{keys}"
    asyncio.run(_fill(kafka, topic, keys))
    for _ in range(runs):
        command = [sys.executable, "-m", "benchmarks.restore", "--restore", topic]
        done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        records, cpu_seconds = found["records"], found["cpu_seconds"]
        yield (
            f"| {keys:,} | {found['seconds']:.1f} s | {records / found['seconds']:,.0f} "
            f"| {cpu_seconds * 1e6 / records:.2f} | {records / cpu_seconds:,.0f} "
            f"| {found['peak_rss'] / 1e6:.0f} MB |"
        )
    asyncio.run(topics.delete(kafka.client_options(), topic))


async def _fill(kafka: KafkaSettings, topic: str, keys: int) -> None:
    options = kafka.client_options()
    await topics.create(options, topic)
    cluster = KafkaCluster(options, TIMEOUT_MS)
    await asyncio.gather(
        *(_fill_one(cluster, TP(topic, p), keys) for p in range(topics.PARTITIONS))
    )


async def _fill_one(cluster: KafkaCluster, tp: TP, keys: int) -> None:
    producer = cluster.producer(f"{tp}")
    await producer.start()
    prefix, now = window_prefix(WINDOW), int(time.time() * 1000)
    books = Bookkeeping.begin("an id", {}, topics.PARTITIONS)
    mine = range(tp.partition, keys, topics.PARTITIONS)
    for first in range(0, len(mine), KEYS_A_TRANSACTION):
        records: list[Fields] = [
            # Scattered, for hashtags don't come in their order.
            (b"%s#tag%08x" % (prefix, i * 2_654_435_761 % 2**32), encode_count(i % 50 + 1), now, ())
            for i in mine[first : first + KEYS_A_TRANSACTION]
        ]
        records.append((BOOKKEEPING_KEY, books.encode(), now, ()))
        await producer.begin()
        await producer.send(tp, records)
        await producer.commit()
    await producer.close()


async def _restore(topic: str) -> None:
    """Restore all partitions at the same time, as a worker that takes all tasks over does."""
    memory.few_arenas()
    cluster = KafkaCluster(KafkaSettings.from_env(os.environ).client_options(), TIMEOUT_MS)
    await cluster.start()
    tps = [TP(topic, partition) for partition in range(topics.PARTITIONS)]
    ends = [await cluster.log_range(tp) for tp in tps]
    with tempfile.TemporaryDirectory() as folder:
        stores = [RocksStore(Path(folder) / str(tp.partition)) for tp in tps]
        began, used = time.monotonic(), time.process_time()
        await asyncio.gather(
            *(
                restore("benchmark", cluster, tp, store, {}, lambda: None)
                for tp, store in zip(tps, stores, strict=True)
            )
        )
        seconds, cpu_seconds = time.monotonic() - began, time.process_time() - used
        for store in stores:
            await store.close()
    await cluster.stop()
    found = {
        "records": sum(end for _, end in ends),
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "peak_rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
