"""Gauges of the tasks a worker has now, set when they are asked for.

So they move while a task is stuck, and none is left behind when its task moves to another worker.
"""

from collections import Counter
from collections.abc import Collection

from streams import metrics
from streams.core.windows import FOREVER, NO_TIME
from streams.tasks.task import State, Task
from streams.tasks.window_task import WindowTask
from streams.transport.slot import Slot, Status


def report(slots: Collection[Slot], stall_seconds: float, now_ms: int) -> None:
    """Set all gauges of tasks."""
    statuses = Counter(slot.status for slot in slots)
    for status in Status:
        metrics.ASSIGNED_TASKS.labels(status.value).set(statuses[status])
    metrics.STALLED_TASKS.set(sum(slot.stalled(stall_seconds) for slot in slots))
    for gauge in (metrics.LAG, metrics.WATERMARK_LAG, metrics.OPEN_WINDOWS):
        gauge.clear()
    for slot in slots:
        if slot.task is not None and slot.task.state in (State.RUNNING, State.COMMITTING):
            _report_task(slot, slot.task, now_ms)


def _report_task(slot: Slot, task: Task, now_ms: int) -> None:
    topic, partition = task.tp
    if slot.lag is not None:
        metrics.LAG.labels(topic, partition).set(slot.lag)
    if task.watermark != NO_TIME:
        lag_ms = max(0, now_ms - task.watermark)
        metrics.WATERMARK_LAG.labels(topic, partition).set(lag_ms / 1000)
    if isinstance(task, WindowTask):
        open_windows = len(task.windowed.open_windows - {FOREVER})
        metrics.OPEN_WINDOWS.labels(task.table, partition).set(open_windows)
