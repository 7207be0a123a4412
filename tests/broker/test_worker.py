"""A real worker process on a real broker: its finals are those of the reference."""

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import reference
from tests.application import Application, Kafka, decode_long
from tests.load import BEGIN, Row
from tests.scene import seed_of_run
from tests.worker import clean_environment

Name = Callable[[str], str]

GREETINGS = ["Hello", *["hello"] * 5, *["hola"] * 5, "howdy", "135", *[""] * 6]
CHARACTERS = ["135", "Hello", *["hello"] * 4, "hola", "hola,", *["howdy"] * 6]
CHARACTERS += [*["_"] * 5, *["++"] * 5, *[" "] * 6]
#: As the program's own tests have it: so late that all windows before it close.
LAST = (b"testy", 5_555_555_555)


def half_a_second_apart(values: list[str]) -> list[Row]:
    return [*((value.encode(), 500 * i) for i, value in enumerate(values)), LAST]


def test_the_first_kafka_streams_case(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    """With the settings as they are shipped, session timeout included."""
    with Application(kafka, unique("case"), tmp_path) as app:
        app.use_shipped_timeouts()
        app.create_topics()
        app.write([half_a_second_apart(GREETINGS)])
        worker = app.worker().start()
        assert app.finals_of(2) == {("hello", 0): 6, ("hola", 0): 5}
        assert "#hello was mentioned 6 times from 0 to 20000" in worker.said()
        assert "#hola was mentioned 5 times from 0 to 20000" in worker.said()


def test_the_second_kafka_streams_case(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    """In the format of the Kafka Streams program, and started by Faust's own command."""
    with Application(
        kafka, unique("case"), tmp_path, variables={"STREAMS_OUTPUT_FORMAT": "long"}
    ) as app:
        app.create_topics()
        app.write([half_a_second_apart(CHARACTERS)])
        faust = str(Path(sys.executable).with_name("faust"))
        app.worker().start(command=[faust, "-A", "streams.app", "worker", "-l", "info"])
        finals = app.finals_of(3, decode_long(20_000))
        assert finals == {("hello", 0): 5, ("howdy", 0): 6, ("++", 0): 5}


TAGS = [b"#a", b"#A", b" #a ", b"#b", "#ö".encode(), "#Ö".encode(), "😀".encode(), b"#cd", b"#e"]
JUNK = [b"", b"x", b" \t ", b"\xff", None]


def random_rows(seed: int, n: int) -> list[Row]:
    """Rows whose time goes on by a second or so each, some of them up to a minute late."""
    random_ = random.Random(seed)
    rows: list[Row] = []
    now = BEGIN
    for _ in range(n):
        now += random_.randrange(1_500)
        behind = random_.randrange(60_000) if random_.random() < 0.3 else 0
        rows.append((random_.choice(TAGS * 4 + JUNK), now - behind))
    return [*rows, (b"#end", now + 3_600_000)]


@pytest.mark.parametrize(
    ("codec", "partitions", "grace_s"),
    [
        ("lz4", 3, 20),
        ("zstd", 3, 0),
        pytest.param(None, 1, 0, marks=pytest.mark.long),
        pytest.param("gzip", 1, 20, marks=pytest.mark.long),
        pytest.param("snappy", 3, 20, marks=pytest.mark.long),
    ],
)
def test_random_input(
    kafka: Kafka, unique: Name, tmp_path: Path, codec: str | None, partitions: int, grace_s: int
) -> None:
    seed = seed_of_run()
    rows = [random_rows(seed + partition, 3_000) for partition in range(partitions)]
    expected = reference.finals(rows, 20_000, grace_s * 1000, 4)
    variables = {"STREAMS_GRACE_SECONDS": str(grace_s), "STREAMS_LOG_FINALS": "false"}
    with Application(
        kafka, unique("random"), tmp_path, partitions=partitions, variables=variables
    ) as app:
        app.create_topics()
        app.write(rows, codec)
        app.worker().start()
        assert app.finals_of(len(expected)) == expected


@pytest.fixture
def faust_environment(kafka: Kafka, unique: Name, tmp_path: Path) -> Iterator[dict[str, str]]:
    with Application(kafka, unique("list"), tmp_path) as app:
        yield {**clean_environment(), **app.variables, "STREAMS_DATA_DIR": str(tmp_path)}


@pytest.mark.parametrize(
    ("command", "names"),
    [("agents", ["count_mentions", "emit_finals"]), ("tables", ["hashtag_counts"])],
)
def test_faust_lists_what_there_is(
    faust_environment: dict[str, str], command: str, names: list[str]
) -> None:
    faust = Path(sys.executable).with_name("faust")
    listed = subprocess.run(
        [faust, "-A", "streams.app", command],
        env=faust_environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    for name in names:
        assert name in listed.stdout
