"""The command line: what to measure, on which cluster."""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence

from benchmarks import latency, report, throughput
from deploy.local import local_or_external


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; returns 1 if any final differed from what it had to be."""
    args = _parser().parse_args(argv)
    if sys.platform != "linux":
        sys.exit("benchmarks: CPU and memory are read from /proc, which only Linux has")
    exact = True
    # A long load is worth the Java compiler's time.
    with local_or_external(tiered=True) as cluster:
        if args.what != "latency":
            exact &= _throughput(cluster.env(), args)
        if args.what != "throughput":
            exact &= _latency(cluster.env(), args)
    return 0 if exact else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures a worker on the cluster that KAFKA_BOOTSTRAP names, else on one "
        "broker of its own, and writes benchmarks/RESULTS.md.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("what", nargs="?", choices=("throughput", "latency", "all"), default="all", help="what")
    add("--millions", type=float, default=5.0, help="records to load, in millions")
    add("--runs", type=int, default=3, help="runs over the same records")
    add("--zipf", type=float, default=1.0, help="skew: rank r weighs 1 / r ** ZIPF")
    add("--distinct", type=int, default=50_000, help="different hashtags")
    add("--rate", type=int, default=50_000, help="latency: records a second")
    add("--seconds", type=float, default=65, help="latency: length of the run with short windows")
    add("--short-window", type=float, default=2, help="latency: seconds of a short window")
    add("--dry", action="store_true", help="print only, leave RESULTS.md as it is")
    return parser


def _throughput(kafka: Mapping[str, str], args: argparse.Namespace) -> bool:
    plan = throughput.Plan(int(args.millions * 1e6), args.runs, args.distinct, args.zipf)
    found = asyncio.run(throughput.measure(kafka, plan))
    _publish("throughput", report.throughput(found), args.dry)
    return all(run.verdict.exact for run in found.runs)


def _latency(kafka: Mapping[str, str], args: argparse.Namespace) -> bool:
    short = latency.Plan(args.rate, args.seconds, int(args.short_window * 1000))
    # Long enough for five windows of the default size.
    default = latency.Plan(args.rate, 125, throughput.WINDOW_MS)
    found = [asyncio.run(latency.measure(kafka, plan)) for plan in (short, default)]
    _publish("latency", report.latency(found), args.dry)
    return all(one.verdict.exact for one in found)


def _publish(section: str, text: str, dry: bool) -> None:
    print(text, flush=True)
    if not dry:
        report.save(section, text)
