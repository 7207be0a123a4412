"""The sub-command: options, exit codes, errors in a line."""

import argparse
import asyncio
import contextlib
import logging
import math
import os
import sys

import aiokafka.errors as kafka_errors

from streams.access import check_access, explain
from streams.errors import MissingTopicError, TallyError, VerifyError
from streams.settings import Settings
from streams.verify import times
from streams.verify.comparison import compare
from streams.verify.lag import records_behind
from streams.verify.progress import reported
from streams.verify.report import Report, Result
from streams.verify.subjects import SUBJECTS
from streams.verify.times import FOREVER, TimeRange

#: Differences of each kind that are listed without --all.
LISTED = 20
#: As shells have it for a program that Ctrl-C ends.
INTERRUPTED = 130

DESCRIPTION = """Recompute the finals from the input topic by brute force, and compare them with the
output topic. Exit code: 0 equal, 1 differences, 2 can't tell (or wrong usage or settings)."""


def add_verify(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command `verify`."""
    parser = commands.add_parser(
        "verify", help="compare the finals with the input", description=DESCRIPTION
    )
    add = parser.add_argument
    add(
        "--from",
        dest="start",
        type=_time,
        default=0,
        metavar="TIME",
        help="windows that begin at TIME or later; ISO 8601 (UTC unless it says otherwise) or "
        "epoch ms (default: the input's beginning)",
    )
    add(
        "--to",
        dest="end",
        type=_time,
        default=FOREVER,
        metavar="TIME",
        help="windows that end at TIME or before (default: the last one that is closed)",
    )
    add(
        "--wait",
        type=_seconds,
        default=10.0,
        metavar="SECONDS",
        help="how long finals that are missing have to appear, since the job may be just at them "
        "(default: 10)",
    )
    add("--job", choices=SUBJECTS, help="whose results (default: the first of STREAMS_JOBS)")
    add("--all", action="store_true", help=f"list all differences, not {LISTED} of each kind")
    add("--json", action="store_true", help="report as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Compare, report on stdout, and return the exit code."""
    # The client logs each attempt; what comes of them is told by our own errors.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        settings = Settings.from_env(os.environ)
        report = asyncio.run(_report(settings, options))
    except TallyError as exc:
        print(f"tally verify: {exc}", file=sys.stderr)
        return Result.UNKNOWN.value
    except KeyboardInterrupt:
        print("tally verify: interrupted; nothing is known", file=sys.stderr)
        return INTERRUPTED
    text = report.as_json() + "\n" if options.json else report.as_text()
    with contextlib.suppress(BrokenPipeError):  # whoever reads may have seen enough
        sys.stdout.write(text)
        sys.stdout.flush()
    return int(report.result.value)


async def _report(settings: Settings, options: argparse.Namespace) -> Report:
    within = TimeRange(options.start, options.end)
    if within.start >= within.end:
        raise VerifyError("--to must be later than --from")
    keep = None if options.all else LISTED
    subject = SUBJECTS[options.job or settings.jobs[0]](settings)
    topics = [subject.input_topic, subject.output_topic]
    partitions = await check_access(settings.kafka, topics)
    if missing := [topic for topic in topics if topic not in partitions]:
        raise MissingTopicError(
            f"No topic {', '.join(map(repr, missing))}",
            "Check the names of the job's input and output topics",
        )
    try:
        with reported() as progress:
            outcome = await compare(
                settings,
                subject,
                partitions,
                within,
                keep,
                options.wait,
                progress,
            )
        behind = None
        if outcome.verdict.differences.counts["missing"]:
            behind = await records_behind(settings, subject.input_topic, outcome.input_positions)
    except (OSError, kafka_errors.KafkaError) as exc:
        raise explain(exc, settings.kafka) from exc
    return Report(settings, subject, within, outcome, behind)


def _seconds(typed: str) -> float:
    value = float(typed)
    if not 0 <= value < math.inf:
        raise ValueError
    return value


def _time(typed: str) -> int:
    try:
        return times.parse(typed)
    except (ValueError, OverflowError) as exc:
        raise argparse.ArgumentTypeError(str(exc)) from None
