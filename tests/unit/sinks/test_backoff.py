"""Pauses between attempts."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random

import pytest

from streams.sinks.backoff import RETRY_AFTER_SECONDS, Backoff, retry_after


def test_pauses_grow_up_to_the_longest() -> None:
    runs = [
        [b.next_seconds() for _ in range(100)] for b in (Backoff(5, Random(n)) for n in range(200))
    ]
    longest = [max(run[n] for run in runs) for n in range(100)]
    assert longest[0] <= 0.2 < longest[1] <= 0.4 < longest[2] <= 0.8
    assert 4.5 < longest[99] <= 5
    assert min(run[99] for run in runs) < 0.5  # full jitter: any pause may be short


def test_a_peer_may_ask_for_more() -> None:
    assert 7 <= Backoff(5, Random(1)).next_seconds(7) <= 7.2


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, 0), ("", 0), ("3", 3), ("-3", 0), ("soon", 0), ("9" * 30, RETRY_AFTER_SECONDS)],
)
def test_retry_after(header: str | None, seconds: float) -> None:
    assert retry_after(header) == seconds


def test_retry_after_a_date() -> None:
    soon = datetime.now(UTC) + timedelta(seconds=60)
    assert 50 < retry_after(format_datetime(soon, usegmt=True)) <= 60
    assert retry_after(format_datetime(soon - timedelta(days=1), usegmt=True)) == 0
