"""`tally-produce SOURCE`: feed the input topic. Settings come from the environment."""

import argparse
import asyncio
import logging
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from producers import hashtags, live_options, ticker_options
from producers.encoding import hashtags_to
from producers.hashtags import TaggedTweet
from producers.rate_line import ERASE_LINE
from producers.runner import run
from producers.sources import Source
from producers.sources.replay import Replayed
from producers.sources.simulate import Plan, SimulatedTweets
from producers.span import add_span, span
from producers.typed import at_least_zero, tags, topic_name, whole
from streams.errors import TallyError
from streams.settings import Settings


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 when all was published, 1 with one line on stderr when not."""
    options = _parser().parse_args(argv)
    _configure_logging(verbose=options.verbose)
    try:
        settings = Settings.from_env(os.environ)
        source: Source[Any] = options.source(options)
        topic = options.topic or options.usual_topic(settings)
        asyncio.run(run(settings, topic, source, options.publisher))
    except TallyError as exc:
        print(f"tally-produce: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _configure_logging(*, verbose: bool) -> None:
    erase = ERASE_LINE if sys.stderr.isatty() else ""
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(format=f"{erase}%(message)s", level=level)
    if not verbose:
        # The client logs each attempt; what comes of them is told by our own errors.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tally-produce", description=__doc__)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--verbose", action="store_true", help="log what the clients do")
    commands = parser.add_subparsers(required=True, metavar="SOURCE")

    def command(
        name: str, text: str, usual: str = "STREAMS_INPUT_TOPIC"
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text, parents=[common])
        made.add_argument("--topic", type=topic_name, help=f"instead of {usual}")
        made.set_defaults(publisher=hashtags_to, usual_topic=lambda settings: settings.input_topic)
        return made

    live_options.add_tweets(command("tweets", "Tweets as they are posted; needs BEARER_TOKEN."))
    live_options.add_bluesky(command("bluesky", "Posts on Bluesky as they are made; free."))
    live_options.add_mastodon(command("mastodon", "Posts that a Mastodon server knows of."))
    _add_simulate(command("simulate", "Made-up tweets, the same for the same seed."))
    _add_replay(command("replay", "Tweets (JSON) or hashtags, one a line, from a file."))
    prices = "Prices of stocks; made up, kept, or from an API."
    ticker_options.add(command("tickers", prices, "STREAMS_TICKER_INPUT_TOPIC"))
    return parser


def _add_simulate(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--rate",
        type=at_least_zero,
        default=100.0,
        help="tweets per second of event time (100); 0: as many as possible, stamped now",
    )
    add_span(parser)
    add("--seed", type=int, default=1, help="another seed makes other tweets (1)")
    add("--tags", type=tags, default=1000, metavar="N", help="of N different hashtags (1000)")
    add(
        "--skew",
        type=at_least_zero,
        default=1.0,
        metavar="S",
        help="exponent of Zipf's law; 0: all are as frequent (1)",
    )
    add(
        "--jitter-ms",
        type=whole,
        default=0,
        metavar="MS",
        help="tweets are up to MS late, by chance (0)",
    )
    parser.set_defaults(source=_simulated)


def _simulated(options: argparse.Namespace) -> Source[TaggedTweet]:
    return SimulatedTweets(plan(options, time.time_ns() // 1_000_000))


def plan(options: argparse.Namespace, now_ms: int) -> Plan:
    """What the options of `simulate` amount to; raises BadInputError where they contradict."""
    start_ms, count = span(options, now_ms)
    return Plan(
        seed=options.seed,
        tags=options.tags,
        skew=options.skew,
        rate=options.rate,
        speed=options.speed,
        start_ms=start_ms,
        jitter_ms=options.jitter_ms,
        count=count,
    )


def _add_replay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="what to read; - is standard input")
    parser.add_argument(
        "--speed",
        type=at_least_zero,
        default=0.0,
        help="1: as fast as it happened, 2: twice; 0: without waiting (0)",
    )
    parser.set_defaults(source=_replayed)


def _replayed(options: argparse.Namespace) -> Source[TaggedTweet]:
    return Replayed(options.file, options.speed, hashtags.parse_line)
