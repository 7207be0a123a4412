"""Settings of the ticker job: the `STREAMS_TICKER_*` variables."""

from dataclasses import dataclass

from streams.setting_fields import setting
from streams.setting_kinds import TOPIC_LENGTH, name_of, number, seconds

YEAR_S = 365 * 24 * 3600


@dataclass(frozen=True, kw_only=True)
class TickerSettings:
    """What the ticker job does. Attributes that end in `_ms` are milliseconds."""

    input_topic: str = setting(
        "STREAMS_TICKER_INPUT_TOPIC",
        name_of("a topic", TOPIC_LENGTH),
        "ticker_input",
        "prices come in",
    )
    output_topic: str = setting(
        "STREAMS_TICKER_OUTPUT_TOPIC",
        name_of("a topic", TOPIC_LENGTH),
        "ticker_output",
        "latest prices, and windows' open, high, low and close, go out",
    )
    min_price: float = setting(
        "STREAMS_TICKER_MIN_PRICE",
        number(0, 1e15),
        "50",
        "a price must be above this (exclusive), else it is left out",
    )
    window_ms: int = setting(
        "STREAMS_TICKER_WINDOW_SECONDS", seconds(0.001, YEAR_S), "60", "length of a window"
    )
    delay_ms: int = setting(
        "STREAMS_TICKER_DELAY_SECONDS",
        seconds(0, YEAR_S),
        "5",
        "the watermark stays so far behind the highest event time",
    )
    grace_ms: int = setting(
        "STREAMS_TICKER_GRACE_SECONDS",
        seconds(0, YEAR_S),
        "0",
        "how long a window waits for late records, on top of that",
    )
