"""Registries that we did not write."""

from collections.abc import Iterator

import pytest

from tests.schemas import apicurio as apicurio_
from tests.schemas import glue
from tests.schemas.apicurio import Apicurio
from tests.schemas.glue import Moto


@pytest.fixture(scope="session")
def apicurio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apicurio]:
    """One that all tests share; each has topics of its own."""
    with apicurio_.running(tmp_path_factory.mktemp("apicurio")) as registry:
        yield registry


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    """Glue on loopback."""
    with glue.running(tmp_path_factory.mktemp("moto")) as server:
        yield server
