"""The application that these tests verify."""

from pathlib import Path

import pytest

from tests.application import Kafka
from tests.verify.scribe import Name, Scribe


@pytest.fixture
def app(kafka: Kafka, unique: Name, tmp_path: Path) -> Scribe:
    return Scribe(kafka, unique("verify"), tmp_path)
