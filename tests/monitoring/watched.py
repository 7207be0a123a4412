"""Every kind of process that exports metrics, each with something to do."""

import asyncio
import contextlib
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

from aiokafka import AIOKafkaProducer

from deploy.local.ports import HOST
from tests.application import Application
from tests.appsync.ministack import Ministack
from tests.appsync.processes import Process
from tests.load import Load, Pace
from tests.schemas.glue import Moto
from tests.worker import Worker, free_port

BUCKET = "watched"


class Watched:
    """An application's workers, a gateway, ingestion and an archive, as processes in `folder`."""

    def __init__(self, app: Application, folder: Path, s3: Ministack, glue: Moto) -> None:
        self._app = app
        self._folder = folder
        s3.client("s3").create_bucket(Bucket=BUCKET)
        #: Its values name a schema that nobody knows.
        self._avro_topic = f"{app.input}-avro"
        self._archive_variables = {
            **s3.variables,
            "AWS_ENDPOINT_URL_GLUE": glue.url,
            "STREAMS_GLUE_REGISTRY": "tally",
            "STREAMS_VALUE_FORMATS": f"{self._avro_topic}=avro",
            "STREAMS_ARCHIVE_URL": f"s3://{BUCKET}",
            "STREAMS_ARCHIVE_TOPICS": f"{app.output_topic},{self._avro_topic}",
            "STREAMS_ARCHIVE_AGE_SECONDS": "1",
        }
        self.workers: list[Worker] = []
        self.gateway, self.ingest, self.archive = (free_port() for _ in range(3))

    @property
    def ports(self) -> dict[str, list[int]]:
        """By the job that scrapes them."""
        return {
            "tally-worker": [worker.port for worker in self.workers],
            "tally-gateway": [self.gateway],
            "tally-ingest": [self.ingest],
            "tally-archive": [self.archive],
        }

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """All of them, with steady input for the workers."""
        self._app.create_topics()
        self._app.create_topics(self._avro_topic)
        self.workers = [self._app.worker(name).start() for name in ("a", "b")]
        for worker in self.workers:
            worker.until_running()
        load = Load(self._app.options, self._app.input, self._app.partitions, 1, Pace())
        # A source that can't be read.
        mqtt = {"STREAMS_INGEST_MQTT_URL": f"mqtt://{HOST}:{free_port()}"}
        mqtt["STREAMS_INGEST_MQTT_FILTERS"] = "vehicles/#"
        with (
            self._process("gateway", STREAMS_WEB_PORT=str(self.gateway)),
            self._process("ingest", "http", "mqtt", STREAMS_INGEST_PORT=str(self.ingest), **mqtt),
            self._process("archive", STREAMS_WEB_PORT=str(self.archive), **self._archive_variables),
        ):
            load.start()
            try:
                yield
            finally:
                load.finish()

    def _process(self, command: str, *options: str, **variables: str) -> Process:
        line = [sys.executable, "-m", "streams.cli", command, *options]
        return Process(command, self._folder, line, {**self._app.variables, **variables})

    def take_in(self) -> None:
        """A record from another system, over HTTP."""
        request = urllib.request.Request(
            f"http://{HOST}:{self.ingest}/topics/{self._app.input}",
            data=b'{"any": "record"}',
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 202

    def write_unknown_schema(self) -> None:
        """An Avro record in Glue's form, which the archive asks Glue about."""
        value = b"\x03\x00" + uuid.uuid4().bytes + b"any"

        async def send() -> None:
            async with AIOKafkaProducer(**self._app.options) as producer:
                await producer.send_and_wait(self._avro_topic, value)

        asyncio.run(send())
