"""Percentiles, closings and CPU over time."""

import os

from benchmarks.latency import percentile
from benchmarks.paced import Appended, Closed, closings
from benchmarks.sampler import CpuSampler


def test_percentiles() -> None:
    values = [float(n) for n in range(1, 101)]
    assert percentile(values, 50) == 51
    assert percentile(values, 99) == 100
    assert percentile([3.0], 99) == 3


def test_a_window_may_close_when_the_last_partition_has_passed_its_grace() -> None:
    def appended(partition: int, offset: int, timestamp: int, at: float) -> Appended:
        return Appended(partition, offset, timestamp, [b"x"], at, at + 0.5)

    found = closings(
        [
            *(appended(0, n, t, t / 1000) for n, t in enumerate((900, 1_199, 1_200, 1_300))),
            *(appended(1, n, t, t / 1000) for n, t in enumerate((900, 1_150, 1_210))),
            *(appended(2, n, t, t / 1000) for n, t in enumerate((900, 1_250, 1_260))),
        ],
        window_ms=1_000,
        grace_ms=200,
    )
    assert found == [Closed(1_000, 1.25, 1.75)]


def test_cpu_is_looked_up_between_samples() -> None:
    sampler = CpuSampler({"this": lambda: [os.getpid()]})
    sampler._times = [10.0, 11.0, 12.0]
    sampler._used["this"] = [1.0, 2.0, 4.0]
    assert sampler.used("this", 10.5, 11.5) == 1.5
    assert sampler.used("this", 9.0, 99.0) == 3.0
