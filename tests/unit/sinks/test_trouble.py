"""One log line now and then."""

import logging

import pytest

from streams.sinks.trouble import Trouble


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("streams.sinks.trouble.time.monotonic", lambda: now[0])
    caplog.set_level(logging.INFO)
    return now


def test_trouble_is_told_now_and_then(clock: list[float], caplog: pytest.LogCaptureFixture) -> None:
    peer = Trouble("Peer")
    for _ in range(61):
        peer.failed("status 503")
        clock[0] += 1
    peer.accepted()
    peer.accepted()
    assert [record.message for record in caplog.records] == [
        "Peer: status 503. The results wait, and are sent again (failed requests: 1)",
        "Peer: status 503. The results wait, and are sent again (failed requests: 31)",
        "Peer: status 503. The results wait, and are sent again (failed requests: 61)",
        "Peer accepts results again, after 61.0 s",
    ]


def test_a_peer_that_fails_now_and_then_is_not_told_of_each_time(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    peer = Trouble("Peer")
    for _ in range(100):
        peer.failed("status 503")
        peer.accepted()
        peer.rejected("a-0-1", "too large")
        clock[0] += 0.1
    assert len(caplog.records) == 3
