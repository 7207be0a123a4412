"""`tally topics` against a real broker: what it makes is what a worker needs."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.local import ExternalKafka, LocalKafka
from streams.access import check_access
from streams.kafka_settings import KafkaSettings
from tests.worker import Worker, clean_environment


def test_a_worker_needs_no_other_topics(
    kafka: LocalKafka | ExternalKafka, unique: Callable[[str], str], tmp_path: Path
) -> None:
    app_id, source, results = unique("app"), unique("in"), unique("out")
    variables = {
        **kafka.env(),
        "STREAMS_APP_ID": app_id,
        "STREAMS_INPUT_TOPIC": source,
        "STREAMS_OUTPUT_TOPIC": results,
        "STREAMS_PARTITIONS": "2",
    }
    made = _topics(variables)
    assert made == {
        source: 2,
        f"{source}-dead-letters": 2,
        results: 2,
        f"{app_id}-hashtag_counts-repartition": 2,
        f"{app_id}-hashtag_counts-changelog": 2,
    }
    settings = KafkaSettings.from_env(variables)
    assert asyncio.run(check_access(settings, made)) == made
    assert set(asyncio.run(_retention_ms(settings, made)).values()) == {"-1"}
    assert _topics(variables) == made
    worker = Worker("worker", tmp_path, {**variables, "STREAMS_CREATE_TOPICS": "false"})
    try:
        worker.start().until_running(4)
    finally:
        worker.end()


def _topics(variables: dict[str, str]) -> dict[str, int]:
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "topics"],
        env=clean_environment() | variables,
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    lines = (line.split() for line in done.stdout.splitlines())
    return {name: int(count) for name, count in lines}


async def _retention_ms(settings: KafkaSettings, topics: Iterable[str]) -> dict[str, str]:
    admin = AIOKafkaAdminClient(**settings.client_options())
    asked = {"retention.ms": ""}
    resources = [ConfigResource(ConfigResourceType.TOPIC, t, configs=asked) for t in topics]
    try:
        await admin.start()
        answers: list[Any] = await admin.describe_configs(resources)
    finally:
        await admin.close()
    found = {}
    for answer in answers:
        for _code, _message, _type, topic, configs in answer.resources:
            [(_name, value, *_rest)] = configs
            found[topic] = value
    return found
