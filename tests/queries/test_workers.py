"""Real workers on a real broker: whichever is asked gives the same answer, and the right one."""

import json
import random
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from streams.web.queries.forwarding import segment
from tests import reference
from tests.application import Application, Kafka
from tests.load import BEGIN, Row
from tests.polling import until
from tests.queries.asking import check_schema
from tests.reference import Counts
from tests.scene import seed_of_run
from tests.worker import Worker, free_port

Name = Callable[[str], str]

WINDOW_MS, GRACE_MS = 20_000, 40_000
PARTITIONS = 3
TAGS = ["#a", "#B", " #c ", "#ä", "😀", "a/b", "..", "  ", *(f"#tag{i}" for i in range(12))]
GATEWAY = [sys.executable, "-m", "streams.cli", "gateway"]
JUNK: list[bytes | None] = [b"x", b"", b"\xff", None]


def rows_of(seed: int, partition: int) -> list[Row]:
    """Some minutes of hashtags; all partitions come to the same time."""
    random_ = random.Random(f"{seed}-{partition}")
    rows: list[Row] = []
    for i in range(1_500):
        late = random_.randrange(70_000) if random_.random() < 0.2 else 0
        value = random_.choice([*(tag.encode() for tag in TAGS * 3), *JUNK])
        rows.append((value, BEGIN + i * 100 - late))
    return [*rows, (b"#end", BEGIN + 150_000)]


def hashtag(text: str) -> str:
    return text.lower().strip()


def of_tag(counts: Counts, tag: str) -> list[dict[str, int]]:
    """A hashtag's windows as queries show them, oldest first."""
    return [
        {"window_start": start, "window_end": start + WINDOW_MS, "count": n}
        for (name, start), n in sorted(counts.items(), key=lambda item: item[0][1])
        if name == hashtag(tag)
    ]


def ask(worker: Worker, path: str) -> tuple[int, Any]:
    status, body = worker.page(path)
    return status, json.loads(body)


def told(worker: Worker) -> dict[str, Any]:
    """The open counts of all hashtags as a worker or gateway tells them."""
    found = {}
    for tag in TAGS:
        status, answer = ask(worker, f"/hashtags/{segment(tag)}/open")
        found[hashtag(tag)] = answer["open"] if status == 200 else status
    return found


def is_told(worker: Worker, expected: dict[str, Any]) -> bool:
    return told(worker) == expected


@pytest.fixture
def app(kafka: Kafka, unique: Name, tmp_path: Path) -> Iterator[Application]:
    variables = {
        "STREAMS_WINDOW_SECONDS": str(WINDOW_MS // 1000),
        "STREAMS_GRACE_SECONDS": str(GRACE_MS // 1000),
        "STREAMS_LOG_FINALS": "false",
    }
    with Application(
        kafka, unique("query"), tmp_path, partitions=PARTITIONS, variables=variables
    ) as app:
        # No session ends meanwhile: whoever is asked then, can't tell.
        app.use_shipped_timeouts()
        app.create_topics()
        yield app


def test_every_worker_and_gateway_tells_the_same_and_the_right_counts(app: Application) -> None:
    seed = seed_of_run()
    rows = [rows_of(seed, partition) for partition in range(PARTITIONS)]
    opened = reference.open_counts(rows, WINDOW_MS, GRACE_MS)
    finals = reference.finals(rows, WINDOW_MS, GRACE_MS, 4)
    expected = {hashtag(tag): of_tag(opened, tag) for tag in TAGS}
    assert max(map(len, expected.values())) == 3, "several windows are open"
    app.write(rows)
    workers = [app.worker(name).start() for name in ("a", "b", "c")]

    def spread() -> bool:
        running = [len(worker.running()) for worker in workers]
        return all(running) and sum(running) == app.tasks

    until(spread, "all tasks run, and each worker has some", 120, app.tails)
    for worker in workers:
        until(partial(is_told, worker, expected), "all is counted", 120, app.tails)
    alone = app.worker("gateway", STREAMS_LIVE_WORKERS=f"http://127.0.0.1:1,{url(workers[2])}")
    alone.start(command=GATEWAY)
    until(lambda: is_healthy(alone), "the gateway is ready", 60, alone.tail)
    for server in [*workers, alone]:
        assert told(server) == expected, server.name
        for tag in TAGS:
            status, answer = ask(server, f"/hashtags/{segment(tag)}")
            assert status == 200, answer
            check_schema("Hashtag", answer)
            assert answer["open"] == expected[hashtag(tag)]
            assert answer["windows"] == of_tag(finals, tag)[::-1]
        check_latest(server, finals)
        assert ask(server, "/hashtags/x")[0] == 404


def url(worker: Worker) -> str:
    return f"http://127.0.0.1:{worker.port}"


def is_healthy(worker: Worker) -> bool:
    try:
        return worker.page("/health")[0] == 200
    except OSError:
        return False


def check_latest(server: Worker, finals: Counts) -> None:
    newest = max(start for _, start in finals)
    counts = {tag: n for (tag, start), n in finals.items() if start == newest}
    best = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    for top in (1, 7, 1000):
        status, answer = ask(server, f"/windows/latest?top={top}")
        assert status == 200, answer
        check_schema("Window", answer)
        assert answer["window_start"] == newest
        assert answer["top"] == [{"hashtag": tag, "count": n} for tag, n in best[:top]]


def test_a_worker_that_nobody_can_reach_makes_answers_unavailable_but_never_wrong(
    app: Application,
) -> None:
    """Both workers are said to be elsewhere: only their own tasks can be asked."""
    rows = [rows_of(seed_of_run(), partition) for partition in range(PARTITIONS)]
    opened = reference.open_counts(rows, WINDOW_MS, GRACE_MS)
    app.write(rows)
    workers = [
        app.worker(name, STREAMS_ADVERTISED_URL=f"http://127.0.0.1:{free_port()}").start()
        for name in ("a", "b")
    ]
    until(lambda: sum(len(w.running()) for w in workers) == app.tasks, "all run", 120, app.tails)
    expected = {hashtag(tag): of_tag(opened, tag) for tag in TAGS}

    def settled() -> bool:
        found = [told(worker) for worker in workers]
        return all(expected[tag] in [one[tag] for one in found] for tag in expected)

    until(settled, "each hashtag is told by its owner", 60, app.tails)
    for tag in expected:
        answers = [told(worker)[tag] for worker in workers]
        assert sorted(map(str, answers)) == sorted([str(expected[tag]), "503"])
