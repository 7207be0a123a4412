"""What records that are taken in are published as: what settings say that their topics hold."""

from collections.abc import Callable, Iterable, Sequence

from producers.ingest.record import Record
from streams.core.values import JsonDecoder
from streams.errors import MisfitError, RequestError
from streams.jobs.names import HASHTAGS, TICKERS
from streams.jobs.schemas import HASHTAG, PRICE
from streams.schemas.formats import Formats
from streams.settings import Settings

_json = JsonDecoder()
#: Of what jobs read.
_SCHEMAS = {HASHTAGS: HASHTAG, TICKERS: PRICE}


class TopicFormats:
    """Raw values are published as they come; where topics hold JSON or Avro, they have to be JSON.

    To be made before the formats are started, and used after that. Raises SettingError.
    """

    def __init__(self, settings: Settings, formats: Formats, topics: Iterable[str]) -> None:
        encoders = {topic: _encoder(settings, formats, topic) for topic in topics}
        self._encoders = {topic: encode for topic, encode in encoders.items() if encode is not None}

    def encoded(self, record: Record) -> Record:
        """The record as its topic holds it; raises MisfitError."""
        encode = self._encoders.get(record.topic)
        if encode is None or record.value is None:
            return record
        return record._replace(value=encode(record.value))

    def all_encoded(self, records: Sequence[Record]) -> list[Record]:
        """The same for those of a request; raises RequestError, which says which one is wrong."""
        made = []
        for at, record in enumerate(records):
            try:
                made.append(self.encoded(record))
            except MisfitError as exc:
                raise RequestError(f"Record {at}: {exc.happened}") from exc
        return made


def _encoder(settings: Settings, formats: Formats, topic: str) -> Callable[[bytes], bytes] | None:
    kind = settings.value_format(topic)
    if kind == "raw":
        return None
    if kind == "json":
        return _checked
    # Where only one job runs, the other's topic may be called the same.
    schemas = {settings.tickers.input_topic: PRICE, settings.input_topic: HASHTAG}
    schemas |= {read: _SCHEMAS[job] for job, read in settings.input_topics.items()}
    write = formats.writer(topic, schemas.get(topic))
    assert write is not None, "it isn't raw"
    return lambda value: write(_json.value(value))


def _checked(value: bytes) -> bytes:
    _json.value(value)
    return value
