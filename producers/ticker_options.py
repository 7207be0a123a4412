"""The options of `tally-produce tickers`, and the source they choose."""

import argparse
import os
import re
import time
from collections.abc import Callable, Mapping

from producers.encoding import prices_to
from producers.keyed import KeyedRecord
from producers.quotes import MAX_SYMBOL_BYTES, SYMBOLS, parse_line
from producers.sources import Source
from producers.sources.prices import Market
from producers.sources.prices.alpaca import Alpaca
from producers.sources.prices.finnhub import Finnhub
from producers.sources.prices.polled import PolledPrices
from producers.sources.prices.simulated import PricePlan, SimulatedPrices
from producers.sources.replay import Replayed
from producers.span import add_span, span
from producers.typed import at_least_zero, duration_s, server_url
from streams.errors import BadInputError

MAX_SYMBOLS = 1000
#: The markets that can be asked, by what is typed.
MARKETS: Mapping[str, Callable[..., Market]] = {"alpaca": Alpaca, "finnhub": Finnhub}


def add(parser: argparse.ArgumentParser) -> None:
    """Add the sub-command's options."""
    option = parser.add_argument
    option(
        "--from",
        dest="market",
        default="simulator",
        metavar="WHERE",
        help=f"simulator, {', '.join(MARKETS)}, or a file of JSON lines, - for standard input "
        "(simulator). Alpaca needs APCA_API_KEY_ID and APCA_API_SECRET_KEY, Finnhub "
        "FINNHUB_API_KEY",
    )
    option(
        "--symbols",
        type=symbols,
        default=SYMBOLS,
        metavar="A,B",
        help=f"which, separated by commas; of a file, all ({','.join(SYMBOLS)})",
    )
    asked = parser.add_argument_group("of an API")
    asked.add_argument(
        "--interval", type=interval_s, default=5.0, metavar="T", help="ask so often (5s)"
    )
    asked.add_argument(
        "--repeat", action="store_true", help="publish quotes that haven't changed, too"
    )
    asked.add_argument("--api", type=server_url, metavar="URL", help="another address of the API")
    made = parser.add_argument_group("of the simulator")
    made.add_argument(
        "--rate",
        type=at_least_zero,
        default=5.0,
        help="quotes per second of event time (5); 0: as many as possible, stamped now",
    )
    made.add_argument("--seed", type=int, default=1, help="another seed makes other prices (1)")
    add_span(parser)
    parser.set_defaults(
        source=chosen,
        publisher=prices_to,
        usual_topic=lambda settings: settings.tickers.input_topic,
    )


def chosen(options: argparse.Namespace) -> Source[KeyedRecord]:
    """The source; raises SettingError without the key that it needs."""
    if options.api and options.market not in MARKETS:
        use = f"Use --from {' or '.join(MARKETS)}"
        raise BadInputError(f"--api says nothing about {options.market}", use)
    if options.market == "simulator":
        start_ms, count = span(options, time.time_ns() // 1_000_000)
        plan = PricePlan(
            seed=options.seed,
            symbols=options.symbols,
            rate=options.rate,
            speed=options.speed,
            start_ms=start_ms,
            count=count,
        )
        return SimulatedPrices(plan)
    if options.market in MARKETS:
        where = {"url": options.api} if options.api else {}
        market = MARKETS[options.market](os.environ, **where)
        return PolledPrices(market, options.symbols, options.interval, repeats=options.repeat)
    return Replayed(options.market, options.speed, parse_line)


def symbols(typed: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(symbol.strip().upper() for symbol in typed.split(",")))
    if len(found) > MAX_SYMBOLS:
        raise argparse.ArgumentTypeError(f"at most {MAX_SYMBOLS:,}")
    for symbol in found:
        if not re.fullmatch(rf"[A-Z0-9.^:/-]{{1,{MAX_SYMBOL_BYTES}}}", symbol):
            raise argparse.ArgumentTypeError(f"{symbol!r} is no symbol")
    return found


def interval_s(typed: str) -> float:
    seconds = duration_s(typed)
    if seconds <= 0:
        raise argparse.ArgumentTypeError("more than 0")
    return seconds
