"""What is compared: a job's topics and windows, what it has to write, and what it wrote."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from streams.core.values import ValueFormat
from streams.jobs.names import HASHTAGS, TICKERS
from streams.jobs.schemas import HASHTAG_FIELD
from streams.settings import Settings
from streams.verify.decoded import fields, texts
from streams.verify.finals import Final, decode, decode_prices
from streams.verify.price_reference import PriceReference
from streams.verify.reference import Reference


class Recount(Protocol):
    """Takes the input in record by record; see `Reference`. All times in ms."""

    stream_times: list[int]

    def add(self, partition: int, value: Any, timestamp: int) -> None: ...

    def first_open(self, stream_time: int) -> int: ...

    def take(self, before: int) -> dict[int, Any]: ...


class Subject(Protocol):
    """See the module. `key` is what finals are by, in words; `hint` names the settings to check.

    `is_stamped`: whether input records bear the time that they are summed up by.
    """

    key: str
    hint: str
    is_stamped: bool
    input_topic: str
    output_topic: str
    window_ms: int
    grace_ms: int

    def recount(self, partitions: int, newest: int) -> Recount:
        """A reference that has read nothing; `newest` is the latest time (ms) that counts."""

    async def read(self, format_: ValueFormat | None, records: Iterable[Any]) -> Iterable[Any]:
        """Records of the input with what the reference takes as their values."""

    def decode(self, partition: int, record: Any) -> Final | None:
        """A record of the output, in JSON unless it is raw; None if it isn't of a window.

        Raises UnreadableError.
        """


class HashtagCounts:
    """The counts of the hashtag job."""

    key = "hashtag"
    hint = "Check STREAMS_OUTPUT_FORMAT and STREAMS_WINDOW_SECONDS"
    is_stamped = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.input_topic, self.output_topic = settings.input_topic, settings.output_topic
        self.window_ms, self.grace_ms = settings.window_ms, settings.grace_ms

    def recount(self, partitions: int, newest: int) -> Reference:
        settings = self._settings
        return Reference(
            partitions,
            self.window_ms,
            self.grace_ms,
            settings.min_mentioned,
            settings.max_value_bytes,
            newest,
        )

    async def read(self, format_: ValueFormat | None, records: Iterable[Any]) -> Iterable[Any]:
        return await texts(format_, records, HASHTAG_FIELD, self._settings.max_value_bytes)

    def decode(self, partition: int, record: Any) -> Final:
        return decode(partition, record, self.window_ms, self._settings.output_format)


class TickerPrices:
    """The windows of the ticker job."""

    key = "ticker"
    hint = "Check STREAMS_TICKER_WINDOW_SECONDS"
    is_stamped = False

    def __init__(self, settings: Settings) -> None:
        self._max_bytes = settings.max_value_bytes
        self._job = job = settings.tickers
        self.input_topic, self.output_topic = job.input_topic, job.output_topic
        self.window_ms, self.grace_ms = job.window_ms, job.grace_ms

    def recount(self, partitions: int, newest: int) -> PriceReference:
        job = self._job
        return PriceReference(
            partitions, self.window_ms, self.grace_ms, job.delay_ms, job.min_price, newest
        )

    async def read(self, format_: ValueFormat | None, records: Iterable[Any]) -> Iterable[Any]:
        return await fields(format_, records, self._max_bytes)

    def decode(self, partition: int, record: Any) -> Final | None:
        return decode_prices(partition, record, self.window_ms)


SUBJECTS: dict[str, Callable[[Settings], Subject]] = {
    HASHTAGS: HashtagCounts,
    TICKERS: TickerPrices,
}
