"""Full speed: a topic is loaded once, and targets and raw limits count it in turns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks import limits
from benchmarks.limits import Limit
from benchmarks.loaded import Data, Loaded, loaded
from benchmarks.progress import say
from benchmarks.run import Kafka, Run, run
from benchmarks.targets import Target


@dataclass(slots=True)
class Throughput:
    """All runs over the same records: targets by name, raw limits by their way."""

    loaded: Loaded
    runs: dict[str, list[Run]] = field(default_factory=dict)
    limits: dict[str, list[Limit]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "data": self.loaded.as_json(),
            "runs": {name: [run.as_json() for run in runs] for name, runs in self.runs.items()},
            "limits": {way: [one._asdict() for one in found] for way, found in self.limits.items()},
        }


async def measure(
    kafka: Kafka,
    data: Data,
    targets: Sequence[Target],
    runs: int,
    keep: Callable[[Throughput], None],
) -> Throughput:
    """Measure in turns, so that a busy hour hits all; `keep` is called after each round."""
    async with loaded(kafka, data) as topic:
        found = Throughput(topic)
        for n in range(runs):
            # Each begins a round once: who runs after whom may matter.
            for target in _rotated(targets, n):
                say(f"run {n + 1} of {runs}: {target.name}")
                one = await run(kafka, target, topic.job(), topic.finals)
                found.runs.setdefault(target.name, []).append(one)
            for way in limits.WAYS:
                say(f"run {n + 1} of {runs}: {way}")
                one_limit = limits.measure(
                    way, topic.topic, data.partitions, data.records, kafka.env
                )
                found.limits.setdefault(way, []).append(one_limit)
            keep(found)
    return found


def _rotated(targets: Sequence[Target], n: int) -> list[Target]:
    first = n % len(targets)
    return [*targets[first:], *targets[:first]]
