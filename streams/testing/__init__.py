"""Drive a job without a broker, clock in hand: see `TestDriver`."""

from streams.testing.broker import Broker
from streams.testing.clock import ManualClock
from streams.testing.crash import Crash, CrashPlan
from streams.testing.driver import OutputRecord, TestDriver
from streams.testing.fleet import Failure
from streams.testing.worker import Job, Worker

__all__ = [
    "Broker",
    "Crash",
    "CrashPlan",
    "Failure",
    "Job",
    "ManualClock",
    "OutputRecord",
    "TestDriver",
    "Worker",
]
