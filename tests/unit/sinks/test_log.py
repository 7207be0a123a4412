"""Log lines of records: one each, whatever they hold."""

import asyncio
import logging

import pytest

from streams.sinks import log
from streams.sinks.log import lines, log_results
from streams.tasks.results import Result, Results
from tests.unit.sinks.results import result


def test_a_line_tells_all() -> None:
    assert lines([result(7, b"kafka", '{"hashtag": "ä"}'.encode())]) == [
        'twitter_output 2 7 2025-11-13T02:13:39.999Z kafka {"hashtag": "ä"}'
    ]


def test_nothing_breaks_a_line() -> None:
    odd = [
        (None, None, "null null"),
        (b"", b"a\nb\r\x1b[31m\x7f\xc2\x85c", r'"" a\x0ab\x0d\x1b[31m\x7f\x85c'),
        (b"\xff", b"\xff\n", r"b'\xff' b'\xff\n'"),
    ]
    for key, value, shown in odd:
        (line,) = lines([result(0, key, value, timestamp=0)])
        assert line == f"twitter_output 2 0 1970-01-01T00:00:00.000Z {shown}"
    (line,) = lines([result(timestamp=2**62)])
    assert f" {2**62} " in line


def test_long_values_are_cut() -> None:
    for value in (b"x" * 20_001, b"\xff" * 20_001):
        (line,) = lines([result(value=value)])
        assert line.endswith("... (20001 bytes)")
        assert len(line) < log.LENGTH + 100


async def test_records_are_accepted_once_they_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    accepted: list[int] = []

    class Settler:
        def accepted(self, result: Result) -> None:
            assert len(caplog.records) == 1
            accepted.append(result.offset)

        def rejected(self, result: Result, reason: str) -> None:
            raise AssertionError(f"{result}: {reason}")

    results = Results(Settler())
    results.put([result(1), result(2)])
    with caplog.at_level(logging.INFO), pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await log_results(results)
    assert accepted == [1, 2]
    assert "2 records\ntwitter_output 2 1 " in caplog.text
