"""Our programs do their work at a broker that allows them what their roles do, and nothing else."""

import asyncio
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from websockets.asyncio.client import connect

from deploy.local import LocalKafka
from deploy.local.access import allow
from producers.ingest.checkpoints import topic_of_checkpoints
from streams.app import create_app
from streams.settings import Settings
from tests.cloud.acls import rules
from tests.cloud.deployments import IMAGES, base
from tests.cloud.emulator import Emulator, running
from tests.cloud.evaluation import Stack
from tests.cloud.placeholders import REGION
from tests.cloud.rights import rights
from tests.cloud.tasks import Task, tasks
from tests.polling import until
from tests.worker import Worker, free_port

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]

#: For what takes a moment on a machine that has nothing else to do.
SECONDS = 250.0
TOKEN = "a-token-of-tests-0123"
BUCKET = base().output("Archive")
#: All programs of ours that there are.
GIVEN = {
    **IMAGES,
    "BaseStack": "tally-base",
    "DomainName": "tally.example.org",
    "HostedZone": "Z0123456789",
    "Ingest": "http",
    "Archive": "service",
    "ClientInstance": "true",
    "WindowSeconds": "2",
    "Partitions": "2",
}
#: Each kind of task, and whoever looks after them, by their roles; users are called as these.
ROLES = {
    "topics": "Topics",
    "worker": "Worker",
    "producer": "Producer",
    "gateway": "Gateway",
    "ingest": "Ingest",
    "archive": "Archive",
}
OPERATOR = "operator"


class Programs:
    """The programs of a deployment at a broker with access rules. A context manager."""

    def __init__(self, kafka: LocalKafka, emulator: Emulator, folder: Path) -> None:
        self._kafka = kafka
        self._folder = folder
        self._started: list[Worker] = []
        self._variables = {
            "STREAMS_REPLICATION": "1",
            "STREAMS_ARCHIVE_AGE_SECONDS": "1",
            **emulator.variables,
        }
        self._deployment = Stack("tally", "main.yaml", GIVEN, base().exported)
        self._tasks = {task.kind: task for task in tasks(self._deployment)}
        (folder / "tokens").write_text(TOKEN)

    def __enter__(self) -> "Programs":
        settings = Settings()
        topics = [settings.input_topic, settings.output_topic, settings.dead_letter_topic]
        topics += [topic_of_checkpoints(settings)]
        for table in create_app(settings).topology.tables:
            topics += [table.partials_topic, table.changelog_topic]
        stacks = {stack.file: stack for stack in self._deployment.all_stacks()}
        for kind, role in ROLES.items():
            allow(self._options, rules(kind, rights(stacks["roles.yaml"], role), topics))
        given = rights(stacks["client.yaml"], "Role")
        allow(self._options, rules(OPERATOR, given, topics))
        return self

    def __exit__(self, *_: object) -> None:
        for program in self._started:
            program.end()

    @property
    def _options(self) -> dict[str, Any]:
        return self._kafka.client_options("admin")

    def start(self, kind: str, **variables: str) -> Worker:
        """Start a task of that kind."""
        task = self._tasks[kind]
        modules = {"tally": "streams.cli", "tally-produce": "producers"}
        command = [sys.executable, "-m", modules[task.command[0]], *task.command[1:]]
        return self._run(kind, self._environment(task, kind, variables), command)

    def stop(self, program: Worker) -> None:
        """End one in order."""
        assert program.alive, program.tail()
        program.process.terminate()
        assert program.wait(SECONDS) == 0, program.tail()

    def operate(self, *arguments: str) -> Worker:
        """Start `tally` as an operator."""
        variables = self._environment(self._tasks["worker"], OPERATOR, {})
        return self._run(OPERATOR, variables, [sys.executable, "-m", "streams.cli", *arguments])

    def _run(self, name: str, variables: dict[str, str], command: list[str]) -> Worker:
        program = Worker(name, self._folder, variables)
        self._started.append(program)
        return program.start(command=command)

    def _environment(self, task: Task, user: str, more: dict[str, str]) -> dict[str, str]:
        """A task's, but for what belongs to the container, to MSK and to other hosts."""
        own = {
            name: value
            for name, value in task.environment.items()
            if name.startswith("STREAMS_")
            and not value.startswith(("/data", "0.0.0.0", "http://workers."))
            and not name.endswith("_PORT")
        }
        if user == "ingest":
            own["STREAMS_INGEST_TOKENS_FILE"] = str(self._folder / "tokens")
        return {**own, **self._variables, **self._kafka.env(user), **more}

    def tails(self) -> str:
        """The ends of all logs."""
        return "\n".join(f"{program.name}: {program.tail(6)}" for program in self._started)

    def no_complaints(self) -> None:
        """See that nobody was refused anything, not even what one can do without."""
        for program in self._started:
            refused = [line for line in program.said().splitlines() if "uthoriz" in line]
            assert not refused, f"{program.name}: {refused[0]}"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("emulator")) as emulator:
        here = {"LocationConstraint": REGION}
        emulator.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=here)
        yield emulator


def test_roles_are_enough(emulator: Emulator, tmp_path: Path) -> None:
    users = {name: f"of-{name}" for name in [*ROLES, OPERATOR]}
    with (
        LocalKafka(security="sasl_ssl", users=users) as kafka,
        Programs(kafka, emulator, tmp_path) as programs,
    ):
        assert programs.start("topics").wait(SECONDS) == 0, programs.tails()
        worker, producer = programs.start("worker"), programs.start("producer")

        port = free_port()
        ingest = programs.start("ingest", STREAMS_INGEST_PORT=str(port))
        until(lambda: _is_taken(port), "ingestion takes a record", SECONDS, programs.tails)
        programs.stop(ingest)

        gateway = programs.start("gateway")
        until(lambda: _serves(gateway), "the gateway serves", SECONDS, programs.tails)
        key = asyncio.run(_message(gateway.port, "hashtag=*"))["key"]
        watched = f"hashtag={quote(key)}&provisional=1"
        assert asyncio.run(_message(gateway.port, watched, "provisional"))["key"] == key
        programs.stop(gateway)

        archive, objects = programs.start("archive"), emulator.client("s3").list_objects_v2
        until(lambda: objects(Bucket=BUCKET)["KeyCount"] > 0, "an object", SECONDS, programs.tails)
        programs.stop(archive)

        forgotten = partial(_forgotten, kafka.client_options("admin"))
        until(lambda: asyncio.run(forgotten()), "merged records go", SECONDS, programs.tails)
        programs.stop(producer)
        verified = programs.operate("verify", "--wait", f"{SECONDS:g}")
        assert verified.wait(2 * SECONDS) == 0, verified.tail()
        programs.stop(worker)

        reset = programs.operate("reset", "--to=current", "--discard-open-windows", "--execute")
        assert reset.wait(SECONDS) == 0, reset.tail()
        assert programs.start("topics").wait(SECONDS) == 0, programs.tails()
        programs.no_complaints()


def _serves(program: Worker) -> bool:
    assert program.alive, program.tail()
    try:
        return program.health()[0] == 200
    except OSError:
        return False


def _is_taken(port: int) -> bool:
    url = f"http://127.0.0.1:{port}/topics/{Settings().input_topic}"
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, b'["python"]', headers)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return bool(answer.status == 202)
    except urllib.error.HTTPError as exc:
        if exc.code != 503:
            raise AssertionError(exc.read()) from exc
        return False
    except OSError:
        return False


async def _message(port: int, query: str, kind: str = "key") -> dict[str, Any]:
    """The first message that the gateway sends with such a field."""
    async with (
        asyncio.timeout(SECONDS),
        connect(f"ws://127.0.0.1:{port}/ws?{query}", open_timeout=SECONDS) as ws,
    ):
        while True:
            message: dict[str, Any] = json.loads(await ws.recv())
            if kind in message:
                return message


async def _forgotten(options: dict[str, Any]) -> bool:
    """Whether a worker has deleted records that it has merged."""
    [table] = create_app(Settings()).topology.tables
    async with AIOKafkaConsumer(**options) as consumer:
        partitions = [TopicPartition(table.partials_topic, n) for n in range(2)]
        return any((await consumer.beginning_offsets(partitions)).values())
