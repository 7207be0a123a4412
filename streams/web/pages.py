"""`/metrics` for Prometheus and `/health` for load balancers, on the worker's web server."""

from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from streams.kafka.cluster import WallClock
from streams.transport.app import StreamsApp
from streams.web.openapi import add_openapi
from streams.web.problems import use_problem_details


def add_pages(app: StreamsApp) -> None:
    """Add the pages to the application."""
    app.web_parts += [use_problem_details, add_openapi]

    @app.page("/metrics")
    async def show_metrics(web: Any, request: Any) -> Any:  # noqa: ARG001
        """All metrics, as text."""
        if app.tasks is not None:
            app.tasks.report(app.settings.stall_ms / 1000, WallClock().now())
        return web.bytes(generate_latest(), content_type=CONTENT_TYPE_LATEST.split(";")[0])

    @app.page("/health")
    async def show_health(web: Any, request: Any) -> Any:  # noqa: ARG001
        """Each task's state; status 503 if one makes no progress although there is input.

        Standbys are listed too, but nobody waits for them.
        """
        tasks = app.tasks.health(app.settings.stall_ms / 1000) if app.tasks is not None else []
        standbys = app.tasks.standbys.health() if app.tasks is not None else []
        healthy = not any(task.stalled for task in tasks)
        body = {
            "status": "healthy" if healthy else "stalled",
            "tasks": [task._asdict() for task in tasks],
            "standbys": [standby._asdict() for standby in standbys],
        }
        return web.json(body, status=200 if healthy else 503)
