"""The console command `tally`."""

import argparse
import sys
from collections.abc import Sequence

import faust

from streams import processes
from streams.settings import describe
from streams.settings_or_exit import settings_or_exit


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
    settings = commands.add_parser("settings", help="show all settings, without secrets")
    settings.set_defaults(run=show_settings)
    args = parser.parse_args(argv)
    code: int = args.run(args)
    return code


def run_worker(args: argparse.Namespace) -> int:
    """Run a worker, or several, until stopped by SIGTERM or Ctrl-C."""
    if args.processes != 1:
        processes.run(settings_or_exit(), args.processes, args.loglevel)
        return 0
    from streams.app import app  # reads the settings, which no other sub-command needs to be right

    faust.Worker(app, loglevel=args.loglevel, logfile=None).execute_from_commandline()
    return 0


def show_settings(_args: argparse.Namespace) -> int:
    """Print each setting's name, value and meaning."""
    rows = describe(settings_or_exit())
    width = max(len(row.name) for row in rows)
    for row in rows:
        print(f"{row.name:{width}}  {row.value or '-':24}  {row.help}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
