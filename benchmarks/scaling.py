"""SCALING.md: what a thousand million records an hour would take, from what was measured."""

import math
from typing import Any, NamedTuple

from benchmarks.report_compare import middle
from benchmarks.tables import table

RECORDS_AN_HOUR = 1_000_000_000
#: Chosen, not measured.
PARTITIONS, BROKERS, REPLICAS = 24, 3, 3
COMMITS_A_SECOND, TASKS_WHEN_MEASURED = 10, 6
BUSY, CATCH_UP, RETENTION_HOURS = 0.5, 2, 24
BROKER_BUSY, BROKER_VCPUS = 0.4, 4


class Measured(NamedTuple):
    """CPU seconds per million records, and bytes per record, of Tally."""

    cpu_full_speed: float
    cpu_steady: float
    broker_cpu_steady: float
    steady_rate: float
    peak_rss: int
    input: float
    repartition: float
    changelog: float
    output: float
    offsets: float


def measured(pieces: dict[str, dict[str, Any]]) -> Measured | None:
    """What was measured; None while a piece of it is missing."""
    compared, soon = pieces.get("compare-zipf-1"), pieces.get("compare-latency")
    rows = [row for row in soon["rows"] if row["name"] == "Tally"] if soon else []
    if compared is None or not rows:
        return None
    runs, records = compared["runs"]["Tally"], compared["data"]["records"]
    # The longest windows: the default's.
    row = max(rows, key=lambda row: int(row["window_ms"]))
    each = {kind: size / row["records"] for kind, size in row["written"].items()}
    return Measured(
        middle(runs, lambda run: run["cpu_seconds"]) / records * 1e6,
        row["cpu_seconds_per_million"],
        row["broker_cpu_seconds_per_million"],
        row["measured_rate"],
        max(run["peak_rss"] for run in runs),
        compared["data"]["batch_bytes"] / records,
        each.get("repartition", 0.0),
        each.get("changelog", 0.0),
        each.get("output", 0.0),
        each.get("__consumer_offsets", 0.0) + each.get("__transaction_state", 0.0),
    )


def page(m: Measured) -> str:
    """The page."""
    rate = RECORDS_AN_HOUR / 3600
    parts = [_INTRODUCTION, "## Measured", _inputs(m), _workers(m, rate), _traffic(m, rate)]
    return "\n\n".join([*parts, _brokers(m, rate), _CAVEATS]) + "\n"


def _inputs(m: Measured) -> str:
    rows = [
        ("a: worker, CPU s per million, full speed", f"{m.cpu_full_speed:.2f}"),
        (f"b: worker, CPU s per million at {m.steady_rate:,.0f}/s", f"{m.cpu_steady:.2f}"),
        (f"c: broker, CPU s per million at {m.steady_rate:,.0f}/s", f"{m.broker_cpu_steady:.2f}"),
        ("input, bytes a record (batches of 16 KiB, uncompressed)", f"{m.input:.1f}"),
        ("repartition topic, bytes per record of input", f"{m.repartition:.1f}"),
        ("changelog, bytes per record of input", f"{m.changelog:.1f}"),
        ("output, bytes per record of input", f"{m.output:.1f}"),
        ("offsets and transactions, bytes per record of input", f"{m.offsets:.1f}"),
        ("peak RSS of a worker", f"{m.peak_rss / 1e6:.0f} MB"),
    ]
    return table(["", "measured"], rows)


def _workers(m: Measured, rate: float) -> str:
    records_cost = rate / 1e6 * m.cpu_full_speed
    intervals = TASKS_WHEN_MEASURED * COMMITS_A_SECOND
    interval = max(0.0, m.cpu_steady - m.cpu_full_speed) * m.steady_rate / 1e6 / intervals
    tasks = 2 * PARTITIONS
    intervals_cost = tasks * COMMITS_A_SECOND * interval
    steady = records_cost + intervals_cost
    processes = max(2, math.ceil(steady / BUSY), math.ceil(CATCH_UP * steady)) + 1
    return f"""\
## Workers

A steady load costs more per record than full speed, because each task commits every 100 ms however
few records it has. So the cost has two parts:

- records: {rate:,.0f}/s x a = **{records_cost:.2f} cores**
- intervals: (b - a) x {m.steady_rate:,.0f}/s, over {TASKS_WHEN_MEASURED} tasks x \
{COMMITS_A_SECOND}/s = {interval * 1000:.1f} ms each; {tasks} tasks ({PARTITIONS} partitions, two \
stages) x {COMMITS_A_SECOND}/s x {interval * 1000:.1f} ms = **{intervals_cost:.2f} cores**

Together {steady:.2f} cores. A process uses about one core. Kept {BUSY:.0%} busy, which also lets
them catch up at {CATCH_UP} times the rate, and with one to spare for a machine that is gone:
**{processes} processes, a vCPU each**, {processes * m.peak_rss / 1e9:.1f} GB of memory. \
{PARTITIONS} partitions
give each process whole ones and leave room to grow; at {rate / PARTITIONS:,.0f} records/s each,
a partition carries about what it did when this was measured ({m.steady_rate / 3:,.0f}/s), so that
as many records meet in one partial count."""


def _traffic(m: Measured, rate: float) -> str:
    kinds = [
        ("input", m.input, 1),
        ("repartition", m.repartition, 1),
        ("changelog", m.changelog, 0),
        ("output", m.output, 1),
        ("offsets and transactions", m.offsets, 0),
    ]
    rows = []
    written = read = 0.0
    for kind, size, readers in kinds:
        mb = rate * size / 1e6
        written, read = written + mb, read + mb * readers
        rows.append([kind, f"{mb:.1f}", f"{mb * REPLICAS:.1f}", f"{mb * readers:.1f}"])
    rows.append(["all", f"{written:.1f}", f"{written * REPLICAS:.1f}", f"{read:.1f}"])
    stored = rate * m.input * 3600 * RETENTION_HOURS * REPLICAS / 1e9
    return f"""\
## Traffic and storage

{rate:,.0f} records/s x the bytes above, in MB/s; {REPLICAS} replicas, each topic read once:

{table(["", "produced", "written with replicas", "read by clients"], rows)}

Of the internal topics, merged partial counts are deleted and the changelog is compacted: what
stays is about the open windows. The input kept for {RETENTION_HOURS} hours is \
{rate:,.0f} x {m.input:.1f} B x 3,600 s x {RETENTION_HOURS} x {REPLICAS} = **{stored:,.0f} GB** in
all, {stored / BROKERS:,.0f} GB a broker; lz4 takes perhaps half (see the factors in RESULTS.md)."""


def _brokers(m: Measured, rate: float) -> str:
    sizes = (m.input, m.repartition, m.changelog, m.output, m.offsets)
    produced = rate * sum(sizes) / 1e6
    # A follower writes what a leader does, without clients to answer: half is a safe guess.
    cores = rate / 1e6 * m.broker_cpu_steady * (1 + (REPLICAS - 1) / 2)
    brokers = max(BROKERS, math.ceil(cores / BROKER_BUSY / BROKER_VCPUS))
    each = produced * REPLICAS / brokers
    return f"""\
## Brokers (Amazon MSK)

- CPU: {rate:,.0f}/s x c = {rate / 1e6 * m.broker_cpu_steady:.2f} cores on one replica; a follower
  taken at half a leader: **{cores:.2f} cores** in all. Below {BROKER_BUSY:.0%} busy, so that two
  can carry what three did: {cores / BROKER_BUSY:.1f} vCPUs, **{brokers} brokers of {BROKER_VCPUS}**
  (`kafka.m7g.xlarge`), one in each zone.
- Disk: {each:.1f} MB/s written on each broker, of the 250 MiB/s that a volume has by default.
- Partitions: {PARTITIONS} x 4 topics x {REPLICAS} replicas / {brokers} = \
{PARTITIONS * 4 * REPLICAS // brokers} a broker, and the cluster's own.
- Transactions: {2 * PARTITIONS} tasks x {COMMITS_A_SECOND}/s = \
{2 * PARTITIONS * COMMITS_A_SECOND}/s. If that shows on the brokers, lengthen the commit
  interval."""


_INTRODUCTION = f"""\
# A thousand million records an hour

An estimate on paper: {RECORDS_AN_HOUR:,} records an hour, on Amazon MSK with three replicas.
Nothing of this size was run. The measured figures come from RESULTS.md, on one broker with one
replica, and `python -m benchmarks report` makes this page anew from them; what is chosen instead of
measured stands at the head of `benchmarks/scaling.py`."""

_CAVEATS = """\
## What this doesn't know

- Network between zones, TLS and SASL: they cost brokers and workers CPU, and latency. Nothing here
  was measured with them.
- Skew over partitions: a producer that doesn't spread its records evenly makes one task the limit.
  One partition can't go faster than one process.
- More different hashtags: the changelog grows with the number of distinct hashtags in an interval,
  memory and restore with those in all open windows (see the factors in RESULTS.md).
- The output's readers, the latency at this size, and broker failures.

Before relying on it: run `python -m benchmarks` with `KAFKA_BOOTSTRAP` naming the real cluster."""
