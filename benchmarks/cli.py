"""The command line: what to measure, on which cluster."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import compare, factors, live, recovery, report
from benchmarks.archive import measure as archive
from benchmarks.compare import LATENCY_GRACE_MS
from benchmarks.fanout import measure as fanout
from benchmarks.ingest import measure as ingest
from benchmarks.latency import Plan
from benchmarks.loaded import RATE, WINDOW_MS
from benchmarks.peers import measure as peers
from benchmarks.results import Results
from benchmarks.run import cluster

Piece = Callable[[Any], Coroutine[Any, Any, None]]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what is asked for, a piece after the other; each is kept when it is done."""
    args = _parser().parse_args(argv)
    if sys.platform != "linux":
        sys.exit("benchmarks: CPU and memory are read from /proc, which only Linux has")
    # As Ctrl-C does: all that was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("benchmarks: stopped"))
    results = Results(args.out)
    try:
        for piece in args.pieces(results, args):
            if args.no_cluster:
                asyncio.run(piece(None))
                continue
            # A cluster of its own for each, so that no piece inherits another one's broker.
            with cluster() as kafka:
                asyncio.run(piece(kafka))
    finally:
        report.write(results)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures on the cluster that KAFKA_BOOTSTRAP names, else on one broker of its "
        "own. Keeps each piece in results/*.json and makes RESULTS.md and charts of all of them.",
    )
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent, help="where they are kept"
    )
    parser.set_defaults(no_cluster=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_compare(commands)
    _add_others(commands)
    _add_live(commands)
    _add_ingest(commands)
    report_only = commands.add_parser("report", help="make RESULTS.md anew, measure nothing")
    report_only.set_defaults(pieces=lambda _results, _args: [])
    return parser


def _add(commands: Any, name: str, text: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=text, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    return command


def _add_compare(commands: Any) -> None:
    for name, text in (
        ("throughput", "full speed, beside Kafka Streams and raw limits"),
        ("latency", "from the close of a window to its readable finals"),
        ("compare", "both"),
    ):
        command = _add(commands, name, text)
        add = command.add_argument
        add("--millions", type=float, default=20.0, help="records to load, in millions")
        add("--runs", type=int, default=3, help="runs over the same records")
        add("--zipf", type=float, nargs="+", default=[1.0, 1.1], help="rank r weighs 1 / r ** ZIPF")
        add("--distinct", type=int, default=50_000, help="different hashtags")
        add("--event-rate", type=int, default=RATE, help="records in a second of event time")
        add("--grace", type=float, default=20.0, help="seconds of grace")
        add("--warm-up-millions", type=float, default=3.0, help="records to warm up Java with")
        add("--rate", type=int, default=50_000, help="latency: records a second")
        add("--seconds", type=float, default=65, help="latency: length of a run, or half of it")
        add("--short-window", type=float, default=2, help="latency: seconds of a short window")
        add("--only-tally", action="store_true", help="without Kafka Streams")
        command.set_defaults(pieces=_compare, what=name)


def _compare(results: Results, args: argparse.Namespace) -> list[Piece]:
    pieces: list[Piece] = []
    if args.what != "latency":
        for skew in args.zipf:
            pieces.append(partial(compare.full_speed, results=results, args=args, skew=skew))
    if args.what != "throughput":
        pieces.append(partial(compare.soon, results=results, args=args))
    return pieces


def _add_others(commands: Any) -> None:
    command = _add(commands, "factors", "one factor at a time, from a smaller base")
    add = command.add_argument
    add("--only", choices=factors.FACTORS, nargs="+", default=factors.FACTORS, help="factors")
    add("--millions", type=float, default=5.0, help="records of the base, in millions")
    add("--warm-up-millions", type=float, default=3.0, help="records to warm up Java with")
    command.set_defaults(pieces=_factors)
    command = _add(commands, "recovery", "the cost of a restore and of a rebalance")
    add = command.add_argument
    parts = ("restore", "rebalance")
    add("--only", choices=parts, nargs="+", default=parts, help="parts")
    add("--keys", type=int, nargs="+", default=[1_000_000, 5_000_000], help="restore: keys")
    add("--rate", type=int, default=20_000, help="rebalance: records a second")
    add("--warm-up-millions", type=float, default=2.0, help="records to warm up Java with")
    command.set_defaults(pieces=_recovery)
    command = _add(commands, "peers", "stock Faust and Quix Streams")
    command.add_argument("--records", type=int, default=200_000, help="records to load")
    command.set_defaults(pieces=_peers)


def _add_live(commands: Any) -> None:
    command = _add(commands, "fanout", "one message to many WebSocket connections, beside others")
    add = command.add_argument
    add("--connections", type=int, default=1000, help="WebSocket connections")
    add("--deliveries", type=int, default=1_000_000, help="of a run, about")
    add("--runs", type=int, default=5, help="runs of each server, in turns")
    command.set_defaults(pieces=_fanout, no_cluster=True)
    command = _add(commands, "browser", "from the close of a window to the WebSocket frame")
    add = command.add_argument
    add("--rate", type=int, default=50_000, help="records a second")
    add("--seconds", type=float, default=65, help="length of a run with short windows, or half")
    add("--short-window", type=float, default=2, help="seconds of a short window")
    command.set_defaults(pieces=_browser)
    command = _add(commands, "archive", "quotes to S3, beside plain writers")
    command.add_argument("--records", type=int, default=3_000_000, help="quotes to load")
    command.add_argument("--runs", type=int, default=3, help="runs of each, in turns")
    command.set_defaults(pieces=_archive)


def _add_ingest(commands: Any) -> None:
    command = _add(commands, "ingest", "records over HTTP, beside a bare aiohttp handler")
    add = command.add_argument
    add("--singles", type=int, default=50_000, help="records of a run, one in a request")
    add("--batched", type=int, default=1_000_000, help="records of a run, 500 in a request")
    add("--runs", type=int, default=5, help="runs of each server, in turns")
    command.set_defaults(pieces=_ingest)


def _fanout(results: Results, args: argparse.Namespace) -> list[Piece]:
    async def piece(_: None) -> None:
        await fanout.measure(results, args.connections, args.deliveries, args.runs)

    return [piece]


def _archive(results: Results, args: argparse.Namespace) -> list[Piece]:
    return [partial(archive.measure, results=results, records=args.records, runs=args.runs)]


def _browser(results: Results, args: argparse.Namespace) -> list[Piece]:
    plans = [
        Plan(args.rate, args.seconds, int(args.short_window * 1000), LATENCY_GRACE_MS),
        Plan(args.rate, 2 * args.seconds, WINDOW_MS, LATENCY_GRACE_MS),
    ]
    return [partial(live.measure, results=results, plans=plans)]


def _ingest(results: Results, args: argparse.Namespace) -> list[Piece]:
    sizes = {"singles": args.singles, "batched": args.batched, "runs": args.runs}
    return [partial(ingest.measure, results=results, **sizes)]


def _peers(results: Results, args: argparse.Namespace) -> list[Piece]:
    return [partial(peers.measure, results=results, records=args.records)]


def _factors(results: Results, args: argparse.Namespace) -> list[Piece]:
    records, warm_up = int(args.millions * 1e6), int(args.warm_up_millions * 1e6)
    measure = partial(factors.measure, results=results, records=records, warm_up_records=warm_up)
    return [partial(measure, factor=factor) for factor in args.only]


def _recovery(results: Results, args: argparse.Namespace) -> list[Piece]:
    pieces: list[Piece] = []
    warm_up = int(args.warm_up_millions * 1e6)
    if "restore" in args.only:
        restore = partial(recovery.restore, results=results, warm_up_records=warm_up)
        pieces += [partial(restore, keys=keys) for keys in args.keys]
    if "rebalance" in args.only:
        rebalance = partial(recovery.rebalance, results=results, warm_up_records=warm_up)
        pieces.append(partial(rebalance, rate=args.rate))
    return pieces
