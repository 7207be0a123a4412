"""Whom ECS and the load balancer replace: only those whom that may help."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import ClientSession, web

from producers.ingest.outlet import Outlet
from producers.ingest.site import Site
from streams.ingest.settings import IngestSettings
from streams.transport.slot import Status
from streams.transport.supervisor import TaskHealth
from tests.cloud.deployments import deployment
from tests.cloud.tasks import Task, tasks
from tests.worker import free_port

TASKS = {task.kind: task for task in tasks(deployment("scram"))}
PORTS = {"worker": "6066", "gateway": "6066", "archive": "6066", "ingest": "6067"}


def test_what_serves_is_checked() -> None:
    checked = {kind for kind, task in TASKS.items() if "HealthCheck" in task.container}
    assert checked == PORTS.keys()
    for kind, port in PORTS.items():
        assert f"127.0.0.1:{port}/health" in _program(TASKS[kind])


def _program(task: Task) -> str:
    kind, program, option, text = task.container["HealthCheck"]["Command"]
    assert (kind, program, option) == ("CMD", "python", "-c")
    return str(text)


async def _is_kept(kind: str, port: int) -> bool:
    """Whether the check lets a task of that kind run on, that serves here."""
    program = _program(TASKS[kind]).replace(PORTS[kind], str(port))
    null = subprocess.DEVNULL
    check = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stderr=null)
    return await check.wait() == 0


@contextlib.asynccontextmanager
async def _answering(status: int, body: Any) -> AsyncIterator[int]:
    """Somebody whose `/health` answers so; yields the port."""

    async def show(_request: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_get("/health", show)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield port
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "stalled", "kept"),
    [
        (Status.RUNNING, True, False),
        (Status.RUNNING, False, True),
        # Kafka or what else it needs is away, or people have to act.
        (Status.OPENING, True, True),
        (Status.RETRYING, True, True),
        (Status.FAILED, True, True),
    ],
)
async def test_workers_are_replaced_if_a_task_hangs(
    status: Status, stalled: bool, kept: bool
) -> None:
    listed = [
        TaskHealth("twitter_input", 0, Status.FAILED.value, None, True, "lost offsets"),
        TaskHealth("twitter_input", 1, status.value, 7, stalled, None),
    ]
    body = {"status": "stalled", "tasks": [task._asdict() for task in listed], "standbys": []}
    async with _answering(503, body) as port:
        assert await _is_kept("worker", port) is kept


async def test_gateways_may_take_their_time_to_start() -> None:
    async with _answering(503, {"status": "starting", "positions": {}}) as port:
        assert await _is_kept("gateway", port)


@pytest.mark.parametrize("kind", PORTS)
async def test_who_does_not_answer_is_replaced(kind: str) -> None:
    assert not await _is_kept(kind, free_port())
    async with _answering(500, "Server got itself in trouble") as port:
        assert not await _is_kept(kind, port)


async def test_ingestion_is_kept_while_kafka_is_away() -> None:
    port = free_port()
    waiting = cast(Outlet, SimpleNamespace(waiting_s=3600.0, used_bytes=1))
    site = Site(IngestSettings(host="127.0.0.1", port=port), waiting)
    await site.start()
    try:
        assert await _is_kept("ingest", port)
        url = f"http://127.0.0.1:{port}"
        async with ClientSession(url) as client:
            assert (await client.get("/health")).status == 503
            assert (await client.get(_balanced()["/topics/*"])).status == 200
    finally:
        await site.close()


def test_load_balancers_ask_gateways_for_their_health() -> None:
    assert _balanced()["/*"] == "/health"


def _balanced() -> dict[str, str]:
    """What the load balancer asks whoever serves these paths."""
    stacks = [s for s in deployment("scram").all_stacks() if s.file == "web-service.yaml"]
    checks = {}
    for stack in stacks:
        [path] = stack.made["Rule"]["Properties"]["Conditions"][0]["PathPatternConfig"]["Values"]
        checks[path] = stack.made["Targets"]["Properties"]["HealthCheckPath"]
    return checks
