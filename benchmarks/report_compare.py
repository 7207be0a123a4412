"""The sections that set Tally beside Kafka Streams."""

from collections import Counter
from collections.abc import Callable
from statistics import median
from typing import Any

from benchmarks.tables import differences, megabytes, table, thousands, under

_LIMITS = {
    "getmany": "raw limit: aiokafka's `getmany`, one Counter",
    "batches": "raw limit: record batches, one Counter",
    "windows": "raw limit: record batches, a Counter per window",
}


def full_speed(name: str, found: dict[str, Any]) -> str:
    """Medians of all runs, each run, and the ratios."""
    data = found["data"]
    skew = name.removeprefix("compare-zipf-")
    rows = [_row(target, data, runs) for target, runs in found["runs"].items()]
    rows += [_limit_row(way, data["records"], runs) for way, runs in found["limits"].items()]
    header = ["", "records/s", "CPU s per million", "broker's CPU s per million", "peak RSS"]
    text = (
        f"{data['records']:,} hashtags, Zipf {skew} over {data['distinct']:,}, in "
        f"{data['partitions']} partitions and batches of 16 KiB; event time at "
        f"{data['rate']:,} records a second, windows of {data['window_ms'] / 1000:g} s, "
        f"{data['grace_ms'] / 1000:g} s of grace; {data['finals']:,} finals. Medians; "
        f"differences are the sum of all runs.\n\n"
        f"`python -m benchmarks throughput --zipf {skew} --millions {data['records'] / 1e6:g}`"
    )
    return under(
        f"Full speed, Zipf {skew}",
        found,
        text,
        table([*header, "runs", "differences"], rows),
        _ratios(found),
        f"CPU s per million of each run: {_each_run(found)}.",
        f"![CPU and speed](charts/{name}.svg)",
    )


def middle(runs: list[dict[str, Any]], what: Callable[[dict[str, Any]], float]) -> float:
    """The median over runs."""
    return median(what(run) for run in runs)


def _row(target: str, data: dict[str, Any], runs: list[dict[str, Any]]) -> list[str]:
    millions = data["records"] / 1e6
    verdicts: Counter[str] = Counter()
    for run in runs:
        verdicts.update(run["verdict"], unread=run["left"])
    return [
        target,
        thousands(middle(runs, lambda run: data["records"] / run["seconds"])),
        f"{middle(runs, lambda run: run['cpu_seconds'] / millions):.2f}",
        f"{middle(runs, lambda run: run['broker_cpu_seconds'] / millions):.2f}",
        megabytes(max(run["peak_rss"] for run in runs)),
        str(len(runs)),
        differences(verdicts),
    ]


def _limit_row(way: str, records: int, runs: list[dict[str, Any]]) -> list[str]:
    speed = middle(runs, lambda run: records / run["seconds"])
    cost = middle(runs, lambda run: run["cpu_seconds"] / records * 1e6)
    return [_LIMITS[way], thousands(speed), f"{cost:.2f}", "", "", str(len(runs)), ""]


def _ratios(found: dict[str, Any]) -> str:
    """How Tally stands to the others."""
    runs: dict[str, list[dict[str, Any]]] = found["runs"]
    costs = {name: middle(some, lambda run: run["cpu_seconds"]) for name, some in runs.items()}
    times = {name: middle(some, lambda run: run["seconds"]) for name, some in runs.items()}
    ours = costs.pop("Tally")
    lines = [
        f"- {name}: {cost / ours:.1f} times Tally's CPU, "
        f"{times['Tally'] / times[name]:.2f} times its speed"
        for name, cost in costs.items()
    ]
    if floor := found["limits"].get("windows"):
        least = middle(floor, lambda run: run["cpu_seconds"])
        lines.append(f"- Tally: {ours / least:.1f} times the CPU of the least windowed count")
    return "\n".join(lines)


def _each_run(found: dict[str, Any]) -> str:
    millions = found["data"]["records"] / 1e6
    return "; ".join(
        f"{name} " + ", ".join(f"{run['cpu_seconds'] / millions:.2f}" for run in runs)
        for name, runs in found["runs"].items()
    )


def latency(found: dict[str, Any]) -> str:
    """A row for each target and window size."""
    header = [
        "",
        "window",
        "records/s",
        "windows",
        "last final p50",
        "p99",
        "each final p50",
        "p99",
    ]
    header += ["CPU s per million", "broker's", "peak RSS", "differences"]
    grace = found["rows"][0]["grace_ms"] / 1000
    return under(
        "Latency",
        found,
        "Milliseconds from the acknowledged append after which every input partition had passed "
        f"the end of a window and {grace:g} s of grace, to the window's finals being readable "
        "(read committed). Kafka Streams closes by the stream time of the repartition topic, which "
        "the first partition's records move, so it may begin a few ms before that append; the "
        "append comes within 20 ms for all partitions.\n\n`python -m benchmarks latency`",
        table(header, [_latency_row(row) for row in found["rows"]]),
        "![Latency](charts/latency.svg)",
        "Bytes that the broker wrote for each record of input, by kind of topic, on one replica:",
        table(["", "window", *_KINDS], [_bytes_row(row) for row in found["rows"]]),
    )


_KINDS = ("input", "repartition", "changelog", "output", "offsets and transactions")


def _latency_row(row: dict[str, Any]) -> list[str]:
    times = [f"{ms:.0f}" for ms in row["last_final"] + row["each_final"]] or ["-"] * 4
    return [
        row["name"],
        f"{row['window_ms'] / 1000:g} s",
        thousands(row["measured_rate"]),
        str(row["windows"]),
        *times,
        f"{row['cpu_seconds_per_million']:.2f}",
        f"{row['broker_cpu_seconds_per_million']:.2f}",
        megabytes(row["peak_rss"]),
        differences(row["verdict"]),
    ]


def _bytes_row(row: dict[str, Any]) -> list[str]:
    written: Counter[str] = Counter(row["written"])
    own = written["__consumer_offsets"] + written["__transaction_state"]
    sizes = [*(written[kind] for kind in _KINDS[:-1]), own]
    each = [f"{size / row['records']:.1f}" for size in sizes]
    return [row["name"], f"{row['window_ms'] / 1000:g} s", *each]
