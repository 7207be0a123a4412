"""The console command `tally`."""

import argparse
import os
import sys
from collections.abc import Sequence

import faust

from streams.errors import SettingError
from streams.settings import Settings, describe


def main(argv: Sequence[str] | None = None) -> int:
    """Run a sub-command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="tally", description="Windowed counts over Kafka topics.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    worker = commands.add_parser("worker", help="run a worker, as `faust -A streams.app worker`")
    worker.add_argument("-l", "--loglevel", default="info", help="default: info")
    worker.set_defaults(run=run_worker)
    settings = commands.add_parser("settings", help="show all settings, without secrets")
    settings.set_defaults(run=show_settings)
    args = parser.parse_args(argv)
    code: int = args.run(args)
    return code


def run_worker(args: argparse.Namespace) -> int:
    """Run a worker until it is stopped by SIGTERM or Ctrl-C, or fails."""
    from streams.app import app  # reads the settings, which no other sub-command needs to be right

    faust.Worker(app, loglevel=args.loglevel, logfile=None).execute_from_commandline()
    return 0


def show_settings(_args: argparse.Namespace) -> int:
    """Print each setting's name, value and meaning."""
    try:
        rows = describe(Settings.from_env(os.environ))
    except SettingError as exc:
        print(f"tally: {exc}", file=sys.stderr)
        return 1
    width = max(len(row.name) for row in rows)
    for row in rows:
        print(f"{row.name:{width}}  {row.value or '-':24}  {row.help}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
