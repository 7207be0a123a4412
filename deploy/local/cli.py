"""The command: ``python -m deploy.local start`` runs a cluster until Ctrl-C."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import time
from pathlib import Path

from deploy.local.cluster import LocalKafka
from deploy.local.errors import LocalKafkaError
from deploy.local.external import external_kafka
from deploy.local.folder import write_atomically
from deploy.local.jars import cache_dir, fetch
from deploy.local.progress import Reporter

DEFAULT_PORT = 9092
ENV_FILE = "client.env"
WATCH_SECONDS = 1.0


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        return _fetch() if arguments.command == "fetch" else _start(arguments)
    except LocalKafkaError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tally-kafka", description="A real Kafka on this machine, without Java or Docker."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fetch", help="download what the first start would download")
    start = commands.add_parser("start", help="run a cluster until Ctrl-C")
    start.add_argument("--brokers", type=int, choices=(1, 3), default=1)
    start.add_argument("--secure", action="store_true", help="SASL_SSL, SCRAM users and ACLs")
    start.add_argument(
        "--data", type=Path, metavar="DIR", help="keep topics and records here (default: nowhere)"
    )
    start.add_argument(
        "--port",
        type=int,
        default=DEFAULT_PORT,
        help=f"the first broker's; 0 = any free (default: {DEFAULT_PORT})",
    )
    return parser


def _fetch() -> int:
    jars = fetch(Reporter())
    print(f"{len(jars)} jars are in {cache_dir()}")
    return 0


def _start(arguments: argparse.Namespace) -> int:
    if external := external_kafka():
        print(f"KAFKA_BOOTSTRAP is set: using {external.bootstrap}, starting nothing")
        return 0
    # So that a supervisor's SIGTERM ends the cluster in the same order as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    cluster = LocalKafka(
        brokers=arguments.brokers,
        data_dir=arguments.data,
        security="sasl_ssl" if arguments.secure else "plain",
        port=arguments.port,
    )
    try:
        with cluster:
            _tell_how_to_use(cluster, secure=arguments.secure)
            _watch(cluster)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
    return 0


def _tell_how_to_use(cluster: LocalKafka, *, secure: bool) -> None:
    print(f"Kafka is at {cluster.bootstrap}; stop it with Ctrl-C.")
    print("For a worker, run in its shell:")
    if secure:
        # A file, for a password doesn't belong into a terminal's history.
        file = cluster.folder / ENV_FILE
        lines = (f"export {name}={shlex.quote(value)}\n" for name, value in cluster.env().items())
        write_atomically(file, "".join(lines), mode=0o600)
        print(f"  . {shlex.quote(str(file))}", flush=True)
    else:
        print(f"  export KAFKA_BOOTSTRAP={cluster.bootstrap}", flush=True)


def _watch(cluster: LocalKafka) -> None:
    while True:
        time.sleep(WATCH_SECONDS)
        for broker in cluster.brokers:
            broker.check_alive()
