"""Schemathesis makes up requests from the OpenAPI document: every answer has to be as it says."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.application import Application, Kafka
from tests.load import BEGIN
from tests.scene import seed_of_run
from tests.worker import clean_environment

Name = Callable[[str], str]

#: What is asked for over WebSocket, and pages that don't answer with JSON, have their own tests.
LEFT_OUT = ["/ws", "/live/connections", "/metrics"]


@pytest.mark.long
@pytest.mark.timeout(900)
def test_every_answer_is_as_the_document_says(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    with Application(kafka, unique("schema"), tmp_path) as app:
        app.create_topics()
        rows = [(b"tag", BEGIN + i) for i in range(10)]
        app.write([[*rows, (b"tag", BEGIN + 30_000)]])
        worker = app.worker().start().until_running(app.tasks)
        app.until_written(app.output_topic, 1)
        left_out = [word for path in LEFT_OUT for word in ("--exclude-path", path)]
        done = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"),
                "run",
                f"http://127.0.0.1:{worker.port}/openapi.json",
                *left_out,
                "--max-examples=100",
                f"--seed={seed_of_run()}",
                "--no-color",
            ],
            cwd=tmp_path,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=840,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr + worker.tail()
