"""S3 on loopback, which we did not write."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.appsync.ministack import Ministack, run_ministack
from tests.archive.buckets import TestBucket


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    with run_ministack(tmp_path_factory.mktemp("s3")) as peer:
        yield peer


@pytest.fixture(scope="session")
def new_bucket(s3: Ministack) -> Callable[[], TestBucket]:
    """Makes a bucket of a test's own."""
    numbers = itertools.count()
    return lambda: TestBucket(s3, f"archive-{next(numbers)}")
