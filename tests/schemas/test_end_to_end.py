"""JSON and Avro from producer to results on a real broker; schemas are in registries not ours."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from deploy.local import LocalKafka
from streams.jobs.schemas import FINAL, PRICE, TICKER_RESULT
from tests.application import Application, Finals, Kafka, create_topics, decode_json, write
from tests.live.gateways import gateway, results
from tests.load import BEGIN, Pace, Row
from tests.polling import until
from tests.reading import Record
from tests.schemas.apicurio import Apicurio
from tests.schemas.glue import Moto
from tests.schemas.inputs import (
    EVOLVED,
    FIRST,
    INCOMPATIBLE,
    confluent,
    plain,
    read,
)
from tests.ticker_load import MALFORMED, endless_prices, last_prices
from tests.ticker_output import TickerOutput
from tests.ticker_scene import SUMMING, expected_of
from tests.worker import clean_environment

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

Name = Callable[[str], str]

WINDOW_MS = 20_000
LATER = BEGIN + 3_600_000
#: Bytes before the Avro, as each kind of registry has them.
CONFLUENT_HEAD, GLUE_HEAD = 5, 18


def tags(n: int, encode: Callable[[str], bytes], at: int = BEGIN) -> list[Row]:
    """`Kafka` n times."""
    return [(encode("Kafka"), at + i) for i in range(n)]


def decode_final(head: int) -> Callable[[Record], Finals]:
    """Reads finals in Avro, by fastavro itself."""

    def decode(record: Record) -> Finals:
        assert record.value is not None
        final = read(FINAL, record.value[head:])
        assert record.key == final["hashtag"].encode()
        assert record.timestamp == final["window_end"] - 1
        return {(final["hashtag"], final["window_start"]): final["count"]}

    return decode


def decode_hashtag(head: int) -> Callable[[bytes], str]:
    """The same for what `tally-produce` writes."""
    return lambda value: str(read(FIRST, value[head:])["hashtag"])


def run(
    variables: Mapping[str, str], *command: str, stdin: str = "", seconds: float = 180
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        env={**clean_environment(), **variables},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def avro(app_id: str, url: str) -> dict[str, str]:
    return {
        "STREAMS_VALUE_FORMATS": f"{app_id}-in=avro",
        "STREAMS_SCHEMA_REGISTRY_URL": url,
        "STREAMS_MIN_MENTIONED": "0",
    }


def produced_and_counted(
    app: Application,
    hashtag_of: Callable[[bytes], str],
    decode: Callable[[Record], Finals],
) -> None:
    """Let `tally-produce` write, a worker count, and `tally verify` compare."""
    app.create_topics()
    simulated = ("simulate", "--count", "2000", "--speed", "0", "--start", str(BEGIN))
    made = run(app.variables, "producers", *simulated, "--rate", "20", "--tags", "30")
    assert made.returncode == 0, made.stderr
    records = app.read(app.input)
    assert all(hashtag_of(record.value or b"") for record in records)
    app.worker().start()
    app.until_written(app.output_topic, 60)
    checked = run(app.variables, "streams.cli", "verify", "--json")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    report = json.loads(checked.stdout)
    assert report["finals"]["expected"] > 60
    finals = app.finals_of(60, decode)
    assert len(finals) >= report["finals"]["expected"]


def test_json_from_producer_to_results(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    name = unique("json")
    variables = {"STREAMS_VALUE_FORMATS": f"{name}-in=json"}
    with Application(kafka, name, tmp_path, variables=variables) as app:
        produced_and_counted(app, lambda value: str(json.loads(value)["hashtag"]), decode_json)


def test_glue_from_producer_to_results(
    kafka: Kafka, unique: Name, tmp_path: Path, moto: Moto
) -> None:
    name = unique("glue")
    moto.client().create_registry(RegistryName=name)
    variables = {
        **moto.variables,
        "STREAMS_VALUE_FORMATS": f"{name}-in=avro",
        "STREAMS_OUTPUT_FORMAT": "avro",
        "STREAMS_GLUE_REGISTRY": name,
    }
    with Application(kafka, name, tmp_path, variables=variables) as app:
        produced_and_counted(app, decode_hashtag(GLUE_HEAD), decode_final(GLUE_HEAD))


def test_confluents_api_from_producer_to_results(
    kafka: Kafka, unique: Name, tmp_path: Path, apicurio: Apicurio
) -> None:
    name = unique("confluent")
    variables = {**avro(name, apicurio.url), "STREAMS_OUTPUT_FORMAT": "avro"}
    variables.pop("STREAMS_MIN_MENTIONED")
    with Application(kafka, name, tmp_path, variables=variables) as app:
        produced_and_counted(app, decode_hashtag(CONFLUENT_HEAD), decode_final(CONFLUENT_HEAD))


def test_schemas_evolve(kafka: Kafka, unique: Name, tmp_path: Path, apicurio: Apicurio) -> None:
    """Later versions are counted; producers with one that is incompatible don't start."""
    name = unique("evolve")
    with Application(kafka, name, tmp_path, variables=avro(name, apicurio.url)) as app:
        app.create_topics()
        first = apicurio.register(app.input, FIRST)
        apicurio.compatible(app.input)
        worker = app.worker().start()
        app.write([tags(2, lambda tag: confluent(first, FIRST, {"hashtag": tag}))])
        worker.until_running(2)
        later = apicurio.register(app.input, EVOLVED)
        assert later != first
        misfits = [b"Kafka", confluent(first, FIRST, {"hashtag": "x"})[:-1], b"\x00\x7f\0\0\0x"]
        app.write([[(value, BEGIN) for value in misfits]])
        app.write(
            [
                [
                    *tags(3, lambda t: confluent(later, EVOLVED, {"lang": "en", "hashtag": t})),
                    (confluent(first, FIRST, {"hashtag": "#end"}), LATER),
                ]
            ]
        )
        letters = app.until_written(app.dead_letters, len(misfits))
        assert [letter.value for letter in letters] == misfits
        reasons = [dict(letter.headers)["reason"].decode() for letter in letters]
        assert "schema" in reasons[0]
        assert "doesn't fit its schema" in reasons[1]
        assert "unknown to the registry" in reasons[2]
        assert app.finals_of(1, decode_json) == {("kafka", BEGIN // WINDOW_MS * WINDOW_MS): 5}

        file = tmp_path / "incompatible.avsc"
        file.write_text(INCOMPATIBLE.replace('"long"', '["null", "long"]').replace("count", "n"))
        for register in ("true", "false"):
            refused = run(
                {
                    **app.variables,
                    "STREAMS_SCHEMA_FILES": f"{app.input}={file}",
                    "STREAMS_SCHEMA_REGISTER": register,
                },
                *("producers", "simulate", "--count", "1"),
            )
            assert refused.returncode == 1
            [line] = refused.stderr.splitlines()
            assert line.startswith("tally-produce: STREAMS_SCHEMA_FILES: ")


def test_a_registry_that_does_not_answer(
    kafka: Kafka, unique: Name, tmp_path: Path, apicurio: Apicurio
) -> None:
    """What needs it waits, and no value is given up; all else goes on."""
    name = unique("silent")
    app = Application(kafka, name, tmp_path, partitions=2, variables=avro(name, apicurio.url))
    with app:
        app.create_topics()
        known = apicurio.register(app.input, FIRST)
        unknown = apicurio.register(app.input, EVOLVED)
        worker = app.worker().start().until_running(4)

        def by_known(tag: str) -> bytes:
            return confluent(known, FIRST, {"hashtag": tag})

        def by_unknown(tag: str) -> bytes:
            return confluent(unknown, EVOLVED, {"lang": "", "hashtag": tag})

        end = (by_known("#end"), LATER)
        app.write([tags(1, by_known), tags(1, by_known)])
        # Not the partials, which are deleted once they are merged.
        app.until_written(app.changelog, 1)
        apicurio.freeze()
        try:
            app.write([[*tags(2, by_known), end], [*tags(3, by_unknown), end]])
            worker.until_said("Values that need it wait", 120)
            assert worker.health()[0] == 200
            assert not app.read(app.output_topic)
        finally:
            apicurio.thaw()
        worker.until_said("answers again", 120)
        assert app.finals_of(1, decode_json) == {("kafka", BEGIN // WINDOW_MS * WINDOW_MS): 7}
        assert not app.read(app.dead_letters)


def as_avro(schema_id: int, row: Row) -> Row:
    """A price in Avro; what is malformed stays as it is."""
    value, timestamp = row
    if value in MALFORMED:
        return row
    return confluent(schema_id, PRICE, json.loads(value or b"")), timestamp


def test_prices(kafka: Kafka, unique: Name, tmp_path: Path, apicurio: Apicurio) -> None:
    """In Avro they come to what they come to in JSON."""
    name = unique("prices")
    variables = {
        **SUMMING,
        "STREAMS_VALUE_FORMATS": f"{name}-prices=avro,{name}-candles=avro",
        "STREAMS_SCHEMA_REGISTRY_URL": apicurio.url,
    }
    rows = [row for tick in islice(endless_prices(7, 0, Pace()), 100) for row in tick]
    rows += last_prices(7, 0, Pace(), rows)
    expected = expected_of([[value for value, _ in rows]])
    assert expected.candles
    assert expected.late
    with Application(kafka, name, tmp_path, jobs=["tickers"], variables=variables) as app:
        app.create_topics()
        schema_id = apicurio.register(app.ticker_input, PRICE)
        inputs = [as_avro(schema_id, row) for row in rows]
        asyncio.run(write(app.options, app.ticker_input, [inputs]))
        app.worker().start()

        def output() -> TickerOutput:
            return TickerOutput().take(
                replace(
                    record, value=json.dumps(read(TICKER_RESULT, value[CONFLUENT_HEAD:])).encode()
                )
                for record in app.read(app.ticker_output)
                for value in [record.value or b""]
            )

        until(lambda: output().is_complete(expected), "all candles", 90, app.tails)
        output().check(expected)
        letters = app.until_written(f"{app.ticker_input}-dead-letters", len(expected.malformed))
        assert [letter.value for letter in letters] == [
            inputs[offset][0] for _, offset in expected.malformed
        ]
        checked = run(app.variables, "streams.cli", "verify", "--job", "tickers", "--json")
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert json.loads(checked.stdout)["finals"]["found"] == len(expected.candles)
        made = run(app.variables, "producers", "tickers", "--count", "20", "--speed", "0")
        assert made.returncode == 0, made.stderr
        ours = [record.value or b"" for record in app.read(app.ticker_input)][len(inputs) :]
        assert len(ours) == 20
        assert all(read(PRICE, value[CONFLUENT_HEAD:])["price"] > 0 for value in ours)


def test_what_is_taken_in(kafka: Kafka, unique: Name, tmp_path: Path, apicurio: Apicurio) -> None:
    """JSON lines become Avro; what doesn't fit is a dead letter."""
    name = unique("ingest")
    with Application(kafka, name, tmp_path, variables=avro(name, apicurio.url)) as app:
        app.create_topics()
        lines = ['{"hashtag": "Kafka"}', "Kafka", '{"hashtag": 7}', '{"hashtag": "Ä"}']
        taken = run(app.variables, "streams.cli", "ingest", "stdin", stdin="\n".join(lines))
        assert taken.returncode == 0, taken.stderr
        found = [read(FIRST, (r.value or b"")[CONFLUENT_HEAD:]) for r in app.read(app.input)]
        assert found == [{"hashtag": "Kafka"}, {"hashtag": "Ä"}]
        letters = app.read(app.dead_letters)
        assert [letter.value for letter in letters] == [b"Kafka", b'{"hashtag": 7}']
        assert all(dict(letter.headers)["reason"] for letter in letters)


async def test_live_delivery_of_avro(kafka: LocalKafka, topic: str, apicurio: Apicurio) -> None:
    """As it comes, and again from Kafka for a client that was away for long."""
    await create_topics(kafka.client_options(), topic, partitions=1)
    schema_id = await asyncio.to_thread(apicurio.register, topic, FIRST)
    padding = confluent(schema_id, FIRST, {"hashtag": "x" * 1000})
    values = [
        confluent(schema_id, FIRST, {"hashtag": "ä"}),
        plain(FIRST, {"hashtag": "kafka"}),
        None,
        *[padding] * 200,
    ]
    variables = {
        "VALUE_FORMATS": f"{topic}=avro",
        "SCHEMA_REGISTRY_URL": apicurio.url,
        "LIVE_RING_BYTES": "65536",
    }
    async with (
        AIOKafkaProducer(**kafka.client_options()) as producer,
        gateway(kafka, topic, **variables) as served,
    ):
        async with served.client("key=k") as ws:
            subscribed = json.loads(await ws.recv())
            for value in values:
                await producer.send_and_wait(topic, value, key=b"k")
            live = [message["value"] for message in await results(ws, len(values))]
        assert live[:3] == [{"hashtag": "ä"}, "\nkafka", None]
        assert live[-1] == {"hashtag": "x" * 1000}
        async with served.client(f"key=k&since={subscribed['cursor']}") as ws:
            again = [message["value"] for message in await results(ws, len(values))]
            assert again == live
