"""Fixtures for all tests: real clusters, started once and only when asked for."""

import os
import re
import uuid
from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

from deploy.local import ExternalKafka, LocalKafka, local_or_external

# A machine that is busy is no failure.
settings.register_profile("tally", parent=settings(), deadline=None)
settings.load_profile("tally")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("TALLY_TEST_LONG"):
        return
    skip = pytest.mark.skip(reason="takes minutes; set TALLY_TEST_LONG=1")
    for item in items:
        if "long" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session", autouse=True)
def no_aws_account() -> Iterator[None]:
    """Tests never meet the AWS account of whoever runs them, and wait for no cloud's answers."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        yield


@pytest.fixture(scope="session")
def kafka() -> Iterator[LocalKafka | ExternalKafka]:
    """One broker that all tests share: the one KAFKA_BOOTSTRAP names, else one of our own."""
    with local_or_external() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def secured_kafka() -> Iterator[LocalKafka]:
    """One broker with SASL_SSL and ACLs; user "nobody", password "nothing", may do nothing."""
    with LocalKafka(security="sasl_ssl", users={"nobody": "nothing"}) as cluster:
        yield cluster


@pytest.fixture
def unique(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Makes a name that no other test or run has, for topics, groups and applications."""
    test = re.sub(r"[^A-Za-z0-9._-]", "-", request.node.name)[:60]
    token = uuid.uuid4().hex[:8]

    def name(what: str) -> str:
        return f"{what}-{test}-{token}"

    return name


@pytest.fixture
def topic(unique: Callable[[str], str]) -> str:
    """The name of a topic of this test's own; it doesn't exist yet."""
    return unique("topic")
