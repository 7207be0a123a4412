"""One factor at a time, everything else at its base: what does it change?"""

from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.compare import warmed_up
from benchmarks.kafka_streams.driver import KafkaStreams
from benchmarks.loaded import MIN_SECONDS, RATE, Data, loaded
from benchmarks.progress import say
from benchmarks.results import Results
from benchmarks.run import Kafka, run
from benchmarks.tally import for_old_data
from benchmarks.targets import Target

#: Bytes of values at most: larger values mean fewer records.
MAX_BYTES = 2 * 10**9


class Case(NamedTuple):
    """A value of a factor."""

    value: str
    data: Data
    workers: int = 1
    #: Java's heap; final results wait in it.
    heap: str = "2g"


def cases(factor: str, records: int) -> list[Case]:
    """The values of a factor, on a base of so many records."""
    # No faster than so that some windows close.
    base = Data(records, rate=min(RATE, int(records / MIN_SECONDS)))
    match factor:
        case "value-size":
            return [_of_size(base, size) for size in (20, 100, 300, 1000)]
        case "partitions":
            return [Case(str(n), base._replace(partitions=n)) for n in (1, 3, 6, 12)]
        case "compression":
            codecs = (None, "lz4", "zstd")
            return [Case(codec or "none", base._replace(compression=codec)) for codec in codecs]
        case "keys":
            return [_of_keys(base, n) for n in (1_000, 50_000, 1_000_000, 5_000_000)]
        case "workers":
            four = base._replace(partitions=4)
            return [Case(str(n), four, n) for n in (1, 2, 3, 4)]
        case "event-rate":
            return [_of_rate(base, rate) for rate in (5_555, 50_000, RATE)]
    raise ValueError(f"no factor {factor!r}")


FACTORS = ("value-size", "partitions", "compression", "keys", "workers", "event-rate")


def _of_size(base: Data, size: int) -> Case:
    records = min(base.records, MAX_BYTES // size)
    # As many windows as in the base, so that only the size differs.
    rate = base.rate * records // base.records
    return Case(f"{size} B", base._replace(length=size, records=records, rate=rate))


def _of_keys(base: Data, distinct: int) -> Case:
    records = max(base.records, 2 * distinct)
    # All equally likely; in the few windows that are open at a time, most come once.
    rate = int(records / MIN_SECONDS)
    data = base._replace(distinct=distinct, skew=0.0, records=records, rate=rate)
    return Case(f"{distinct:,}", data, heap="2g" if distinct < 1_000_000 else "8g")


def _of_rate(base: Data, rate: int) -> Case:
    records = max(base.records, int(MIN_SECONDS * rate))
    return Case(f"{rate:,}/s", base._replace(rate=rate, records=records))


async def measure(
    kafka: Kafka, results: Results, factor: str, records: int, warm_up_records: int
) -> None:
    """Run all values of a factor, each once for each target; kept after each run."""
    rows: list[dict[str, object]] = []
    async with warmed_up(kafka, warm_up_records, Data(records)) as warm_up:
        for case in cases(factor, records):
            async with loaded(kafka, case.data) as topic:
                targets: Sequence[Target] = [for_old_data(), KafkaStreams(warm_up, heap=case.heap)]
                for target in targets:
                    say(f"{factor} {case.value}: {target.name}")
                    found = await run(kafka, target, topic.job(case.workers), topic.finals)
                    row = {"value": case.value, "name": target.name, "workers": case.workers}
                    rows.append(row | {"data": topic.as_json(), "run": found.as_json()})
                    results.save(f"factor-{factor}", {"rows": rows})
