"""The command line: what it refuses, and that errors are one line without a traceback."""

import pytest

from deploy.local.ports import HOST, free_port
from producers.cli import main
from producers.typed import duration_s


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens on this port: what gets as far as connecting ends there."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP", f"{HOST}:{free_port()}")
    for name in ("BEARER_TOKEN", "APCA_API_KEY_ID", "APCA_API_SECRET_KEY", "FINNHUB_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("typed", "seconds"), [("90", 90), ("500ms", 0.5), ("5m", 300), ("1h", 3600), ("1.5d", 129_600)]
)
def test_durations(typed: str, seconds: float) -> None:
    assert duration_s(typed) == seconds


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["unknown"],
        ["simulate", "--rate", "-1"],
        ["simulate", "--speed", "inf"],
        ["simulate", "--count", "1", "--duration", "1s"],
        ["simulate", "--duration", "1 week"],
        ["simulate", "--tags", "0"],
        ["simulate", "--start", "tomorrow"],
        ["simulate", "--topic", "no topic"],
        ["replay"],
        ["tickers", "--symbols", "A B"],
        ["tickers", "--symbols", ""],
        ["tickers", "--interval", "0"],
        ["tickers", "--from", "alpaca", "--api", "http://far.test"],
        ["tweets", "--max-per-day", "0"],
        ["bluesky", "--url", "https://far.test"],
        ["bluesky", "--url", "ws://far.test"],
        ["mastodon"],
        ["mastodon", "http://far.test"],
    ],
)
def test_wrong_arguments(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: tally-produce" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["tweets"], "BEARER_TOKEN"),
        (["simulate", "--speed", "0"], "--duration"),
        (["simulate", "--count", "1"], "connection refused"),
        (["tickers", "--from", "alpaca"], "APCA_API_KEY_ID"),
        (["tickers", "--from", "finnhub"], "FINNHUB_API_KEY"),
        (["tickers", "--speed", "0"], "--duration"),
        (["tickers", "--from", "-", "--api", "https://far.test"], "--api says nothing"),
        (["tickers", "--count", "1"], "connection refused"),
    ],
)
def test_errors_are_one_line(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("tally-produce: ")
    assert expected in line


def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STREAMS_PARTITIONS", "many")
    assert main(["simulate"]) == 1
    assert "STREAMS_PARTITIONS" in capsys.readouterr().err
