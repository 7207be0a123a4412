"""The console command `tally`."""

import argparse
import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable, Sequence
from typing import Any

import faust

from producers.ingest.command import add_ingest
from streams import processes
from streams.errors import TallyError
from streams.reset.command import add_reset
from streams.settings import Settings, describe
from streams.settings_or_exit import exit_if_wrong, settings_or_exit
from streams.topics_command import add_topics
from streams.verify.command import add_verify


def main(argv: Sequence[str] | None = None) -> int:
    """Run a sub-command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="tally", description="Windowed counts over Kafka topics.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    worker = commands.add_parser("worker", help="run a worker, as `faust -A streams.app worker`")
    worker.add_argument("-l", "--loglevel", default="info", help="default: info")
    worker.add_argument(
        "-n",
        "--processes",
        type=int,
        default=1,
        help="workers to run, each in a process of its own; 0: one for each core (default: 1)",
    )
    worker.set_defaults(run=run_worker)
    gateway = commands.add_parser(
        "gateway", help="serve live results over WebSocket, without a worker"
    )
    gateway.add_argument("-l", "--loglevel", default="info", help="default: info")
    gateway.set_defaults(run=run_gateway)
    for name, run, help_ in (
        ("archive", run_archive, "keep topics' records in S3, each once"),
        ("log", run_log, "log topics' records, a line each"),
    ):
        sink = commands.add_parser(name, help=help_)
        sink.add_argument("-l", "--loglevel", default="info", help="default: info")
        sink.set_defaults(run=run)
    settings = commands.add_parser("settings", help="show all settings, without secrets")
    settings.set_defaults(run=show_settings)
    add_topics(commands)
    add_verify(commands)
    add_reset(commands)
    add_ingest(commands)
    args = parser.parse_args(argv)
    code: int = args.run(args)
    return code


def run_worker(args: argparse.Namespace) -> int:
    """Run a worker, or several, until stopped by SIGTERM or Ctrl-C."""
    if args.processes != 1:
        processes.run(settings_or_exit(), args.processes, args.loglevel)
        return 0
    from streams.app import app  # reads the settings, which no other sub-command needs to be right

    return _run_app(app, args.loglevel)


def run_archive(args: argparse.Namespace) -> int:
    """Archive records until stopped by SIGTERM or Ctrl-C."""
    from streams.sinks.archive.agent import archive_app

    return _run_sink(archive_app, args.loglevel)


def run_log(args: argparse.Namespace) -> int:
    """Log records until stopped by SIGTERM or Ctrl-C."""
    from streams.sinks.log import log_app

    return _run_sink(log_app, args.loglevel)


def _run_sink(make: Callable[[Settings], Any], level: str) -> int:
    from streams.web.pages import add_pages

    logging.getLogger("aiokafka").setLevel(logging.WARNING)  # it tells of every connection
    with exit_if_wrong():
        app = make(settings_or_exit())
    add_pages(app)
    return _run_app(app, level)


def _run_app(app: Any, level: str) -> int:
    if level.lower() == "info":
        for framework in ("faust", "mode"):  # they tell of each service that starts or stops
            logging.getLogger(framework).setLevel(logging.WARNING)
    faust.Worker(app, loglevel=level, logfile=None).execute_from_commandline()
    return 0


def run_gateway(args: argparse.Namespace) -> int:
    """Serve live results until stopped by SIGTERM or Ctrl-C."""
    from streams.web.server import serve  # a web server, which the others don't need

    logging.basicConfig(
        level=args.loglevel.upper(), format="[%(asctime)s] %(levelname)s %(message)s"
    )
    logging.getLogger("aiokafka").setLevel(logging.WARNING)  # it tells of every connection
    settings = settings_or_exit()
    try:
        asyncio.run(serve(settings))
    except TallyError as exc:
        raise SystemExit(f"tally: {exc}") from None
    except OSError as exc:
        raise SystemExit(f"tally: {settings.web_host}:{settings.web_port}: {exc}") from None
    return 0


def show_settings(_args: argparse.Namespace) -> int:
    """Print each setting's name, value and meaning."""
    rows = describe(settings_or_exit())
    width = max(len(row.name) for row in rows)
    lines = [f"{row.name:{width}}  {row.value or '-':24}  {row.help}\n" for row in rows]
    with contextlib.suppress(BrokenPipeError):  # whoever reads may have seen enough
        sys.stdout.write("".join(lines))
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
