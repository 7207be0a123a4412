"""Topics of JSON and of Avro in the test driver: what is counted, delivered and set aside."""

import asyncio
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from streams.core import value_table
from streams.core.columns import TP
from streams.core.iso_time import show_iso
from streams.errors import OffsetLostError
from streams.jobs.hashtags import hashtags
from streams.jobs.names import TICKERS
from streams.jobs.schemas import FINAL, HASHTAG, PRICE, TICKER_RESULT
from streams.jobs.tickers import tickers
from streams.schemas import avro_formats, known
from streams.schemas.avro import AvroSchema
from streams.schemas.settings import SchemaSettings
from streams.schemas.wire import ConfluentWire
from streams.settings import Settings
from streams.sinks.archive.agent import archive_app
from streams.sinks.archive.settings import ArchiveSettings
from streams.sinks.log import log_app
from streams.tasks import chunk_decoder
from streams.tasks.results import Results
from streams.testing import TestDriver
from streams.testing.crash import Crash
from streams.transport.app import StreamsApp
from tests.archive.memory import MemoryBucket
from tests.archive.objects import union
from tests.testing.hashtag_job import CLOSER, DEAD_LETTERS, INPUT, OUTPUT, finals
from tests.unit.schemas.registries import STRING, FakeRegistry

WITH_LANGUAGE = """{"type": "record", "name": "Hashtag", "namespace": "tally", "fields": [
  {"name": "lang", "type": "string"}, {"name": "hashtag", "type": "string"}]}"""
NUMBERED = """{"type": "record", "name": "Hashtag", "namespace": "tally", "fields": [
  {"name": "number", "type": "long"}]}"""


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> FakeRegistry:
    """Ids 1 to 4: a hashtag alone, in a record, in one of a later version; something else."""
    made = FakeRegistry(STRING, HASHTAG, WITH_LANGUAGE, NUMBERED)
    monkeypatch.setattr(avro_formats, "_open", lambda _settings: made)
    monkeypatch.setattr(known, "SURE_SECONDS", 0.001)
    return made


@pytest.fixture(params=["compiled", "python"], autouse=True)
def table(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "python":
        monkeypatch.setattr(chunk_decoder, "new_table", value_table.PythonTable)


def settings_of(formats: dict[str, str], **more: Any) -> Settings:
    schemas = SchemaSettings(formats=formats, url="http://127.0.0.1:1", **more.pop("schemas", {}))
    return Settings(log_finals=False, min_mentioned=0, schemas=schemas, **more)


def job(settings: Settings) -> StreamsApp:
    app = StreamsApp(settings)
    hashtags(app, settings)
    return app


def as_avro(schema_id: int, text: str, value: Any) -> bytes:
    return ConfluentWire().head(str(schema_id)) + AvroSchema(text).write(value)


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def count(app: StreamsApp, values: list[bytes | None], closer: bytes) -> TestDriver:
    driver = TestDriver(app, fetch_records=2)
    for n, value in enumerate(values):
        driver.produce(INPUT, value, 1_000 + n)
    driver.produce(INPUT, closer, CLOSER[1])
    driver.run_until_idle()
    return driver


def test_hashtags_in_json() -> None:
    fit = [as_json(v) for v in ("Kafka", {"hashtag": "kafka"}, {"hashtag": "KAFKA", "lang": "en"})]
    misfits = [b"kafka", b"7", b"NaN", b'{"tag": "kafka"}', b"null", b"[" * 2000, b'"\\ud800x"']
    app = job(settings_of({INPUT: "json"}))
    with count(app, [*fit, *misfits, None, as_json("x")], as_json("closer")) as driver:
        assert finals(driver) == {("kafka", 0): 3}
        letters = driver.read_output(DEAD_LETTERS)
        assert [letter.value for letter in letters] == [*misfits, None]


def avro_values() -> tuple[list[bytes], list[bytes]]:
    fit = [
        as_avro(1, STRING, "Kafka"),
        as_avro(2, HASHTAG, {"hashtag": "kafka"}),
        as_avro(3, WITH_LANGUAGE, {"lang": "en", "hashtag": "KAFKA"}),
    ]
    misfits = [
        b"kafka",
        b"",
        as_avro(9, STRING, "kafka"),
        as_avro(4, NUMBERED, {"number": 7}),
        fit[0][:-1],
        fit[1] + b"x",
    ]
    return fit, misfits


@pytest.mark.usefixtures("registry")
def test_hashtags_in_avro() -> None:
    fit, misfits = avro_values()
    app = job(settings_of({INPUT: "avro"}))
    with count(app, [*fit, *misfits, *fit, None], as_avro(1, STRING, "closer")) as driver:
        assert finals(driver) == {("kafka", 0): 6}
        letters = driver.read_output(DEAD_LETTERS)
        assert [letter.value for letter in letters] == [*misfits, None]
        reasons = [letter.headers["reason"].decode() for letter in letters]
        assert "no schema id" in reasons[0]
        assert reasons[2] == "schema 9 is unknown to the registry"
        assert "'hashtag'" in reasons[3]


def test_a_schema_that_comes_to_be_known(
    registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The very same bytes are a dead letter before, and counted later."""
    monkeypatch.setattr(known, "UNKNOWN_SECONDS", 0)
    value = as_avro(5, STRING, "kafka")
    with TestDriver(job(settings_of({INPUT: "avro"}))) as driver:
        driver.produce(INPUT, value, 1_000)
        driver.run_until_idle()
        registry.texts.append(STRING)
        driver.produce(INPUT, value, 1_001)
        driver.produce(INPUT, as_avro(1, STRING, "closer"), CLOSER[1])
        driver.run_until_idle()
        assert finals(driver) == {("kafka", 0): 1}
        assert [letter.value for letter in driver.read_output(DEAD_LETTERS)] == [value]


@pytest.mark.usefixtures("registry")
def test_what_cannot_be_resolved_with_the_readers_schema(tmp_path: Any) -> None:
    file = tmp_path / "tag.avsc"
    file.write_text(HASHTAG)
    app = job(settings_of({INPUT: "avro"}, schemas={"files": {INPUT: file}}))
    fit, misfits = avro_values()
    values = [*fit, *misfits]
    with count(app, list(values), as_avro(2, HASHTAG, {"hashtag": "closer"})) as driver:
        assert finals(driver) == {("kafka", 0): 2}
        letters = driver.read_output(DEAD_LETTERS)
        assert [letter.value for letter in letters] == [fit[0], *misfits]


def test_finals_in_avro(registry: FakeRegistry) -> None:
    app = job(settings_of({}, output_format="avro"))
    asyncio.run(app.formats.start())
    assert registry.texts[-1] == FINAL
    head = ConfluentWire().head(str(len(registry.texts)))
    with count(app, [b"Kafka", b"kafka"], CLOSER[0]) as driver:
        [record] = driver.read_output(OUTPUT)
        assert record.value is not None
        assert record.value.startswith(head)
        assert AvroSchema(FINAL).read(record.value.removeprefix(head)) == {
            "hashtag": "kafka",
            "count": 2,
            "window_start": 0,
            "window_end": 20_000,
        }


EXACT = """{"type": "record", "name": "Price", "namespace": "tally", "fields": [
  {"name": "ticker", "type": "string"},
  {"name": "event_time", "type": {"type": "long", "logicalType": "timestamp-millis"}},
  {"name": "price", "type":
    {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}}]}"""


@pytest.mark.parametrize("format_", ["json", "avro"])
def test_prices(registry: FakeRegistry, format_: str) -> None:
    topics = {"ticker_input": format_, "ticker_output": format_}
    settings = settings_of(topics, jobs=(TICKERS,))
    app = StreamsApp(settings)
    tickers(app, settings)
    asyncio.run(app.formats.start())
    registry.texts += [PRICE, EXACT]
    prices: list[tuple[int, float]] = [(1_000, 51), (2_000, 53.25), (0, 52), (500_000, 50.5)]
    written = [{"ticker": "A", "event_time": show_iso(at), "price": p} for at, p in prices]
    if format_ == "json":
        values, misfits = list(map(as_json, written)), [b"{", b"7", b"\xff", b'{"x": NaN}']
    else:
        values = [as_avro(6, PRICE, value) for value in written]
        moment, price = datetime.fromtimestamp(2, UTC), Decimal("53.25")
        values[1] = as_avro(7, EXACT, {"ticker": "A", "event_time": moment, "price": price})
        misfits = [b"{", as_avro(1, STRING, "A"), as_avro(9, PRICE, written[0]), values[0][:-1]]
    with TestDriver(app) as driver:
        for value in [*misfits, *values]:
            driver.produce("ticker_input", value, 7)
        driver.run_until_idle()
        letters = driver.read_output("ticker_input-dead-letters")
        assert [letter.value for letter in letters] == misfits
        found = [
            json.loads(value) if format_ == "json" else AvroSchema(TICKER_RESULT).read(value[5:])
            for record in driver.read_output("ticker_output")
            for value in [record.value or b""]
        ]
    assert [one for one in found if "price" in one][-1] == written[-1]
    assert [one for one in found if "open" in one] == [
        {
            "ticker": "A",
            "open": 52.0,
            "high": 53.25,
            "low": 51.0,
            "close": 53.25,
            "count": 3,
            "window_start": 0,
            "window_end": 60_000,
        }
    ]


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize("format_", ["json", "avro"])
def test_a_sink_gets_json(format_: str) -> None:
    got: list[bytes | None] = []

    async def body(results: Results) -> None:
        async for some in results:
            for result in some:
                got.append(result.value)
                if result.offset == 1:
                    results.rejected(result, "refused")
                else:
                    results.accepted(result)

    encode: Callable[[Any], bytes]
    if format_ == "json":
        encode, misfit = as_json, b"{"
    else:
        encode, misfit = (lambda value: as_avro(2, HASHTAG, value)), b"\x00\x00\x00\x00\x09"
    app = StreamsApp(settings_of({"results": format_}))
    app.sink_agent("results", name="peer")(body)
    values = [encode({"hashtag": "a"}), encode({"hashtag": "b"}), misfit, None]
    with TestDriver(app) as driver:
        for n, value in enumerate(values):
            driver.produce("results", value, n, key=b"k")
        driver.run_until_idle()
        assert [None if v is None else json.loads(v) for v in got] == [
            {"hashtag": "a"},
            {"hashtag": "b"},
            None,
        ]
        letters = driver.read_output(DEAD_LETTERS)
        assert [letter.value for letter in letters] == [values[1], misfit], "as they were read"
        assert driver.broker.group("tally").offsets[TP("results", 0)].offset == 4


KEPT = ArchiveSettings(
    url="s3://bucket/kept", topics=("kept",), path=("ticker",), event_time="event_time"
)


def archive_of(bucket: MemoryBucket, folder: Path) -> StreamsApp:
    settings = settings_of({"kept": "avro"}, archive=KEPT, data_dir=folder)
    return archive_app(settings, lambda _name, _threads: bucket)


def test_a_schema_that_comes_late_does_not_change_what_was_begun(
    registry: FakeRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another owner may be storing the objects without the records that could not be read."""

    def die(_call: int) -> None:
        raise Crash("in-upload")

    monkeypatch.setattr(known, "UNKNOWN_SECONDS", 0.0)
    registry.texts.append(PRICE)
    bucket = MemoryBucket()
    bucket.after = die
    price = {"event_time": show_iso(0), "ticker": "TBV", "price": 51.5}
    with TestDriver(archive_of(bucket, tmp_path)) as driver:
        for schema_id in (5, 6):
            driver.produce("kept", as_avro(schema_id, PRICE, price), 0, key=b"k")
        driver.run_until_idle()
        driver.advance_time(KEPT.age_ms)
        driver.run_until_idle()
        bucket.after = lambda _: None
        registry.texts.append(PRICE)
        driver.restart_worker(0)
        with pytest.raises(OffsetLostError, match=r"1 records were there .* and now 2: a schema"):
            driver.run_until_idle()


def test_an_archive_keeps_json(registry: FakeRegistry, tmp_path: Path) -> None:
    registry.texts.append(PRICE)
    bucket = MemoryBucket()
    app = archive_of(bucket, tmp_path)
    prices = [
        {"event_time": show_iso(n), "ticker": ticker, "price": 51.5}
        for n, ticker in enumerate(("AAPL", "TBV"))
    ]
    values = [as_avro(5, PRICE, price) for price in prices]
    misfits = [as_avro(1, STRING, "no object"), as_avro(9, STRING, "a"), b"{}"]
    with TestDriver(app) as driver:
        for n, value in enumerate([*values, *misfits]):
            driver.produce("kept", value, n, key=b"k")
        driver.run_until_idle()
        driver.advance_time(KEPT.age_ms)
        driver.run_until_idle()
        found = union(bucket.objects, "kept/")
        assert [json.loads(found[0, offset].value) for offset in range(len(found))] == prices
        letters = driver.read_output(DEAD_LETTERS)
        assert [letter.value for letter in letters] == misfits, "as they were read"


def test_a_log_shows_what_avro_says(
    registry: FakeRegistry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    registry.texts.append(PRICE)
    price = {"event_time": show_iso(0), "ticker": "TBV", "price": 51.5}
    settings = settings_of({"kept": "avro"}, log_topics=("kept",), data_dir=tmp_path)
    with caplog.at_level("INFO", "streams.sinks.log"), TestDriver(log_app(settings)) as driver:
        driver.produce("kept", as_avro(5, PRICE, price), 1, key=b"k")
        driver.run_until_idle()
    [line] = [line for line in caplog.text.splitlines() if line.startswith("kept ")]
    place, shown = line.split(" {", 1)
    assert re.fullmatch(r"kept \d 0 1970-01-01T00:00:00.001Z k", place)
    assert json.loads("{" + shown) == price
