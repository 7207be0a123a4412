"""The section on the archive."""

import statistics
from typing import Any

from benchmarks.tables import megabytes, table, under


def archive(found: dict[str, Any]) -> str:
    """A row for each writer."""
    rows = [(row["name"], _medians(row["runs"])) for row in found["rows"]]
    return under(
        "The archive",
        found,
        f"{found['records']:,} quotes, {megabytes(found['bytes'])} of JSON values in 3 partitions. "
        "`tally archive` reads them from Kafka, parses and filters them, sorts them by symbol and "
        "hour, and stores them exactly once, with intervals of 8 MiB, in an S3 on the same machine "
        "that keeps nothing. The plain writers are one thread that has all values in memory, and "
        "writes files. Megabytes are those of the values. Median of "
        f"{len(found['rows'][0]['runs'])} runs.\n\n`python -m benchmarks archive`",
        table(
            ["", "MB/s", "MB a CPU second", "peak RSS"],
            [
                [
                    name,
                    f"{of['mb_per_s']:.1f}",
                    f"{of['mb_per_cpu_s']:.1f}",
                    megabytes(of["peak_rss"]) if of["peak_rss"] else "",
                ]
                for name, of in rows
            ],
        ),
    )


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}
