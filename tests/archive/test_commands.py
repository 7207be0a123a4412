"""`tally archive` and `tally log` as processes: what they refuse, and what they say."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.application import Application, Kafka
from tests.worker import clean_environment

Name = Callable[[str], str]


def test_an_archive_without_a_bucket_is_refused_by_name() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "archive"],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("tally: STREAMS_ARCHIVE_URL: is needed by `tally archive`")


def test_records_are_logged_and_not_again_after_a_restart(
    kafka: Kafka, unique: Name, tmp_path: Path
) -> None:
    with Application(kafka, unique("log"), tmp_path) as app:
        app.create_topics()
        app.variables["STREAMS_LOG_TOPICS"] = f"{app.input},{app.output_topic}"
        command = [sys.executable, "-m", "streams.cli", "log"]
        app.write([[(b"first", 1_000), (None, 2_000), (b"\xff", 3_000)]])
        worker = app.worker().start(command=command)
        worker.until_said(rf"{app.input} 0 2 1970-01-01T00:00:03.000Z null b'\xff'", 90)
        assert f"{app.input} 0 0 1970-01-01T00:00:01.000Z null first\n" in worker.said()
        assert f"{app.input} 0 1 1970-01-01T00:00:02.000Z null null\n" in worker.said()
        assert worker.health()[0] == 200
        assert worker.stop() == 0, worker.tail()
        app.write([[(b"more", 4_000)]])
        worker.start(command=command)
        worker.until_said(f"{app.input} 0 3 1970-01-01T00:00:04.000Z null more", 90)
        assert "null first" not in worker.said()
        assert worker.stop() == 0, worker.tail()
