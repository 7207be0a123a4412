"""The sink in a real worker, towards a peer of our own: keys, refusals, and what is committed."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.application import Application, Kafka
from tests.appsync.inputs import write_results
from tests.appsync.scripted import KEY, ScriptedPeer, out_of_order
from tests.polling import until

Name = Callable[[str], str]


def test_results_are_delivered_once_in_order_and_bad_ones_set_aside(
    kafka: Kafka, unique: Name, tmp_path: Path
) -> None:
    with (
        ScriptedPeer() as peer,
        Application(
            kafka,
            unique("sink"),
            tmp_path,
            variables={
                **peer.variables,
                "STREAMS_APPSYNC_CHANNEL": "tag-{key}",
                # What isn't answered in time comes twice.
                "STREAMS_APPSYNC_TIMEOUT_SECONDS": "60",
            },
        ) as app,
    ):
        app.create_topics()
        good = [(f"k{n % 7}".encode(), json.dumps({"n": n}).encode()) for n in range(300)]
        write_results(app, [*good, (b"big", b"x" * 300_000), (b"raw", b"\xff"), (b"last", None)])
        worker = app.worker().start()
        until(
            lambda: len(peer.ids) == 301,
            "all results",
            120,
            lambda: f"{len(peer.ids)} of 301 came\n{app.tails()}",
        )
        values = {arrival.id: arrival.value for arrival in peer.arrivals}
        assert values[f"{app.output_topic}-0-42"] == {"n": 42}
        assert out_of_order(peer.arrivals) == []
        assert {a.name for a in peer.arrivals} == {"tag-last", *(f"tag-k{n}" for n in range(7))}
        letters = app.until_written(app.dead_letters, 2)
        assert [(r.key, r.value) for r in letters] == [(b"big", b"x" * 65_536), (b"raw", b"\xff")]
        reasons = [dict(r.headers)["reason"] for r in letters]
        assert reasons[0].startswith(b"larger than 240000 bytes: 300")
        assert reasons[1] == b"value is not UTF-8"
        assert worker.stop() == 0, worker.tail()
        assert KEY not in worker.said()
        assert "Unclosed" not in worker.said()
        worker.start()
        write_results(app, [(b"last", b"1")])
        until(lambda: len(peer.ids) == 302, "one more", 120, app.tails)
        assert len(peer.arrivals) == 302


def test_a_wrong_key_loses_nothing(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    with (
        ScriptedPeer(key="another") as peer,
        Application(
            kafka,
            unique("sink"),
            tmp_path,
            variables={**peer.variables, "STREAMS_APPSYNC_API_KEY": KEY},
        ) as app,
    ):
        app.create_topics()
        write_results(app, [(b"a", b"1")])
        worker = app.worker().start()
        worker.until_said("status 401")
        assert KEY not in worker.said()
        peer.key = KEY  # as if somebody had put it right
        until(lambda: len(peer.ids) == 1, "the result", 120, app.tails)
