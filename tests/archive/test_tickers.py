"""The first stream that is archived: prices above 50, beside the job that sums them up."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests import ticker_reference
from tests.application import Kafka
from tests.archive.archiving import COMMAND, PREFIX, RULES, SECONDS
from tests.archive.buckets import TestBucket
from tests.archive.objects import read_as_dataset, union
from tests.polling import until
from tests.ticker_scene import TickerScene, read_input

Name = Callable[[str], str]


@pytest.mark.long
@pytest.mark.timeout(900)
def test_prices_that_the_job_takes_are_archived(
    kafka: Kafka, unique: Name, tmp_path: Path, new_bucket: Callable[[], TestBucket]
) -> None:
    bucket = new_bucket()
    with TickerScene(kafka, unique("prices"), tmp_path) as scene:
        rejected = f"{scene.ticker_input}-not-archived"
        scene.worker("job").start()
        archive = scene.worker("archive", **_variables(bucket, scene.ticker_input, rejected))
        archive.start("after-plan:2", COMMAND).until_killed(SECONDS)
        archive.start(command=COMMAND).until_running(scene.partitions, SECONDS)
        scene.finals_grow()
        scene.finish()
        expected = read_input(scene, scene.load)
        wanted = {
            (partition, offset)
            for partition, rows in enumerate(scene.load.rows)
            for offset, (value, _) in enumerate(rows)
            if (quote := ticker_reference.quote_of(value, partition, offset))
            and quote[1].price > 50
        }
        archive.start(command=COMMAND)
        until(
            lambda: len(union(bucket.objects(), PREFIX)) >= len(wanted),
            "all is archived",
            SECONDS,
            archive.tail,
        )
        objects = bucket.objects()
        assert union(objects, PREFIX).keys() == wanted
        assert min(read_as_dataset(objects, tmp_path / "objects")["price"].to_pylist()) > 50
        until(lambda: len(scene.read(rejected)) >= len(expected.malformed), "all letters", SECONDS)
        letters = [dict(letter.headers) for letter in scene.read(rejected)]
        assert (
            sorted((int(h["partition"]), int(h["offset"])) for h in letters) == expected.malformed
        )


def _variables(bucket: TestBucket, topic: str, rejected: str) -> Mapping[str, str]:
    return {
        **bucket.variables,
        **RULES,
        "STREAMS_ARCHIVE_TOPICS": topic,
        "STREAMS_ARCHIVE_FORMAT": "parquet",
        "STREAMS_ARCHIVE_COLUMNS": "price:double",
        "STREAMS_DEAD_LETTER_TOPIC": rejected,
    }
