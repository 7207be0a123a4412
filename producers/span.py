"""From when on, and how many, a simulator makes up."""

import argparse

from producers.hashtags import epoch_ms
from producers.typed import at_least_zero, duration_s, whole
from streams.errors import BadInputError


def add_span(parser: argparse.ArgumentParser) -> None:
    """Add the options that `span` reads, all but `--rate`."""
    add = parser.add_argument
    add(
        "--speed",
        type=at_least_zero,
        default=1.0,
        help="event time passes so many times as fast as real time (1); 0: without waiting",
    )
    add(
        "--start",
        type=epoch_ms,
        metavar="TIME",
        help="event time of the first record, ISO 8601 or epoch ms (now; so that the last one is "
        "now, when --speed isn't 1)",
    )
    end = parser.add_mutually_exclusive_group()
    end.add_argument("--count", type=whole, metavar="N", help="make N records (no end)")
    end.add_argument(
        "--duration",
        type=duration_s,
        metavar="T",
        help="make records for T of event time, as in 90s, 5m, 1h",
    )


def span(options: argparse.Namespace, now_ms: int) -> tuple[int, int | None]:
    """The first event time in epoch ms, and the count (None: no end).

    Raises BadInputError where `rate`, `speed`, `start`, `count` and `duration` contradict.
    """
    count = options.count
    if options.duration is not None:
        if not options.rate:
            raise BadInputError("--duration says nothing with --rate 0", "Use --count")
        count = int(options.duration * options.rate)
    start_ms = options.start
    if start_ms is None:
        start_ms = now_ms
        if options.rate and options.speed != 1:
            if count is None:
                raise BadInputError(
                    f"With --speed {options.speed:g} event time soon leaves the present",
                    "Add --start, --duration or --count",
                )
            start_ms = max(0, now_ms - int(count * 1000 / options.rate))
    return start_ms, count
