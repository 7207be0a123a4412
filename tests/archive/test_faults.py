"""`tally archive` under kill -9 and SIGSTOP: the bucket holds what the topic does, each once.

The long run is a command: `python -m tests.archive --seed 7 --records 1000000 --kills 20`.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.local.ports import HOST, free_port
from tests.application import Kafka
from tests.archive.archiving import PARTITIONS, PREFIX, SECONDS, Archiving
from tests.archive.buckets import TestBucket
from tests.archive.run import Run
from tests.faults.proxy import Proxy
from tests.polling import until
from tests.scene import seed_of_run

Name = Callable[[str], str]
Make = Callable[[], TestBucket]


@pytest.mark.long
@pytest.mark.timeout(900)
def test_kills_at_each_step(kafka: Kafka, unique: Name, tmp_path: Path, new_bucket: Make) -> None:
    seed = seed_of_run()
    with Archiving(
        kafka, unique("arch"), tmp_path, new_bucket(), FORMAT="json", BYTES="30000"
    ) as archiving:
        archiving.write_quotes(6_000, seed)
        for point in ("after-plan:2", "in-upload:7", "after-upload:2"):
            archiving.start("a", point).until_killed(SECONDS)
        archiving.start("a")
        archiving.finish()


@pytest.mark.timeout(900)
def test_a_zombie_uploads_when_all_is_done(
    kafka: Kafka, unique: Name, tmp_path: Path, new_bucket: Make
) -> None:
    seed = seed_of_run()
    with Archiving(
        kafka, unique("arch"), tmp_path, new_bucket(), FORMAT="parquet", BYTES="30000"
    ) as archiving:
        archiving.write_quotes(6_000, seed)
        sleeper = archiving.start("sleeper", "in-upload:3:stop")
        until(sleeper.froze, "it freezes as it uploads", SECONDS, sleeper.tail)
        archiving.start("owner").until_running(PARTITIONS, SECONDS)
        archiving.until_done()
        before = archiving.bucket.repeats()
        sleeper.thaw()
        until(lambda: archiving.bucket.repeats() > before, "it uploads", SECONDS, archiving.tails)
        archiving.finish()


@pytest.mark.long
@pytest.mark.timeout(900)
def test_parts_of_large_objects_are_not_left(
    kafka: Kafka, unique: Name, tmp_path: Path, new_bucket: Make
) -> None:
    with Archiving(
        kafka,
        unique("arch"),
        tmp_path,
        new_bucket(),
        FORMAT="json",
        BYTES="12000000",
        AGE_SECONDS="600",
    ) as archiving:
        bucket = archiving.bucket
        # A zombie's, of an object that nobody stores any more.
        old = f"{PREFIX}ticker=A/{archiving.topic}-0-000000000000-000000000007.jsonl.gz"
        bucket.client.create_multipart_upload(Bucket=bucket.name, Key=old)
        archiving.write_large_quotes(12_500, seed_of_run())
        archiving.start("a", "in-parts:1").until_killed(SECONDS)
        (begun,) = bucket.begun()
        assert begun["Key"] != old
        archiving.start("b", STREAMS_ARCHIVE_AGE_SECONDS="1")
        archiving.finish()
        assert any(len(data) > 2**23 for data in bucket.objects().values())


@pytest.mark.long
@pytest.mark.timeout(900)
def test_an_s3_that_is_silent_and_then_gone(
    kafka: Kafka, unique: Name, tmp_path: Path, new_bucket: Make
) -> None:
    """Its tasks go on running meanwhile, and their objects are stored once it is back."""
    seed, port = seed_of_run(), free_port()
    with (
        Proxy() as proxy,
        Archiving(
            kafka, unique("arch"), tmp_path, new_bucket(), FORMAT="json", BYTES="30000"
        ) as archiving,
    ):
        link = proxy.link(port, urlsplit(archiving.variables["AWS_ENDPOINT_URL"]).port or 0)
        archiving.variables["AWS_ENDPOINT_URL"] = f"http://{HOST}:{port}"
        worker = archiving.start("a").until_running(PARTITIONS, SECONDS)

        def tries_again(kind: str) -> bool:
            with suppress(OSError):
                retries = worker.metrics().get(("streams_sink_retries_total", kind, "archive"), 0)
                return retries > 0 and worker.health()[0] == 200
            return False

        proxy.call(link.swallow())
        archiving.write_quotes(6_000, seed)
        until(lambda: tries_again("ReadTimeoutError"), "no answer is noticed", SECONDS, worker.tail)
        proxy.call(link.cut())
        until(lambda: tries_again("EndpointConnectionError"), "it is gone", SECONDS, worker.tail)
        assert not archiving.bucket.keys()
        proxy.call(link.open())
        archiving.finish()


@pytest.mark.long
@pytest.mark.timeout(900)
def test_kills_and_zombies_while_records_are_written(
    kafka: Kafka, unique: Name, tmp_path: Path, new_bucket: Make
) -> None:
    seed = seed_of_run()
    with Archiving(
        kafka, unique("arch"), tmp_path, new_bucket(), FORMAT="parquet", BYTES="30000"
    ) as archiving:
        print(Run(archiving, seed, 6_000, 5).run())
