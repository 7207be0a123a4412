"""Gauges tell of the tasks that are here now, and of no others."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
from prometheus_client import REGISTRY

from streams.core.columns import TP
from streams.core.windows import NO_TIME
from streams.tasks.task import State
from streams.transport.gauges import report
from streams.transport.slot import Slot, Status

NOW = 1_000_000


class FakeTask:
    def __init__(self, tp: TP, watermark: int) -> None:
        self.tp, self.watermark = tp, watermark
        self.state = State.RUNNING


class FakeSlot:
    def __init__(
        self, partition: int, status: Status, lag: int | None = None, watermark: int = NO_TIME
    ) -> None:
        self.status, self.lag = status, lag
        running = status is Status.RUNNING
        self.task = FakeTask(TP("in", partition), watermark) if running else None

    def stalled(self, seconds: float) -> bool:
        assert seconds == 30
        return self.status is Status.FAILED


def tell(*slots: Any) -> None:
    report(cast(list[Slot], slots), 30, NOW)


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield
    tell()


def test_each_task_is_told_of() -> None:
    tell(
        FakeSlot(0, Status.RUNNING, lag=7, watermark=NOW - 2500),
        FakeSlot(1, Status.RUNNING),
        FakeSlot(2, Status.FAILED),
    )
    assert value("streams_assigned_tasks", state="running") == 2
    assert value("streams_assigned_tasks", state="failed") == 1
    assert value("streams_assigned_tasks", state="opening") == 0
    assert value("streams_stalled_tasks") == 1
    assert value("streams_lag_records", topic="in", partition="0") == 7
    assert value("streams_watermark_lag_seconds", topic="in", partition="0") == 2.5
    # Nobody knows yet; not 0, which would say that all is read.
    assert value("streams_lag_records", topic="in", partition="1") is None
    assert value("streams_watermark_lag_seconds", topic="in", partition="1") is None


def test_nothing_is_left_of_a_task_that_has_moved() -> None:
    tell(FakeSlot(0, Status.RUNNING, lag=7, watermark=NOW))
    tell(FakeSlot(1, Status.RUNNING, lag=1, watermark=NOW + 500))
    assert value("streams_lag_records", topic="in", partition="0") is None
    assert value("streams_watermark_lag_seconds", topic="in", partition="0") is None
    assert value("streams_watermark_lag_seconds", topic="in", partition="1") == 0
