"""One secured broker for all of these tests."""

from collections.abc import Iterator

import pytest

from tests.access.cluster import Secured


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """A broker with a listener for each way in."""
    with Secured(tmp_path_factory.mktemp("secured")) as cluster:
        yield cluster
