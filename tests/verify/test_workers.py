"""`tally verify` beside workers that write the output: while they work, wait or lag behind."""

from pathlib import Path

import pytest

from tests.application import Application, Kafka
from tests.load import BEGIN
from tests.scene import Scene
from tests.verify.scribe import CLOSED, END, ROWS, Name, Scribe, verify


class LiveScene(Scene):
    """A scene whose output, in either format, only `tally verify` reads."""

    def __enter__(self) -> "LiveScene":
        self.load.start()
        return self

    def __exit__(self, *_: object) -> None:
        Application.__exit__(self)
        self.load.finish()


@pytest.mark.parametrize("output_format", ["json", "long"], ids="as_{}".format)
def test_a_workers_output_is_equal(
    kafka: Kafka, unique: Name, tmp_path: Path, output_format: str
) -> None:
    """While it works, and while the input grows."""
    variables = {"STREAMS_OUTPUT_FORMAT": output_format}
    with LiveScene(kafka, unique("live"), tmp_path, variables=variables) as scene:
        scene.worker().start()
        scene.until_written(scene.output_topic, 100)
        for _ in range(2):
            code, report = verify(scene, "--wait", "90")
            assert code == 0, report
            assert report["windows"]["closed_by_input"] > 0
            assert report["finals"]["expected"] > 0


def test_a_worker_with_an_idle_source(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    variables = {"STREAMS_WINDOW_IDLE_SECONDS": "0.5"}
    with Scribe(kafka, unique("idle"), tmp_path, variables=variables) as app:
        app.write([[*ROWS, END], []])
        app.worker().start()
        app.until_written(app.output_topic, 20)
        code, report = verify(app, "--wait", "90")
        assert code == 0, report
        assert report["windows"]["closed_by_input"] == 0
        assert report["windows"]["closed_by_idle_sources"] == 10


@pytest.mark.long
def test_an_application_that_lags_behind_is_no_difference(
    kafka: Kafka, unique: Name, tmp_path: Path
) -> None:
    with Scribe(kafka, unique("lag"), tmp_path) as app:
        app.write(CLOSED)
        worker = app.worker().start()
        app.until_written(app.output_topic, 20)
        assert worker.stop() == 0
        assert verify(app)[0] == 0
        far = BEGIN + 7_200_000
        app.write([[*[(b"#a", END[1])] * 5, (b"#end", far)], [(b"#end", far)]])
        code, report = verify(app)
        assert code == 2
        assert report["counts"]["missing"] == 1
        assert any(f"{app.app_id} still has to read 7 records" in note for note in report["notes"])
