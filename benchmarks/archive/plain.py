"""Writers that promise nothing, of the same records to files: what the work itself costs.

`python -m benchmarks.archive.plain NAME RECORDS FOLDER` prints {"seconds", "cpu_seconds"}.
"""

import gzip
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.archive.quotes import Quote, quotes
from streams.sinks.archive.json_lines import LEVEL

Write = Callable[[Sequence[Quote], Path], None]


def only_gzip(rows: Sequence[Quote], folder: Path) -> None:
    """Values as lines into one file: nothing is looked at."""
    with gzip.open(folder / "all.jsonl.gz", "wb", LEVEL) as file:
        for at in range(0, len(rows), 10_000):
            file.write(b"\n".join(row.value for row in rows[at : at + 10_000]) + b"\n")


def only_pyarrow(rows: Sequence[Quote], folder: Path) -> None:
    """Keys, values and timestamps into one file: nothing is looked at."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema(
        [("key", pa.binary()), ("value", pa.string()), ("timestamp", pa.timestamp("ms", "UTC"))]
    )
    with pq.ParquetWriter(folder / "all.parquet", schema, compression="zstd") as writer:
        for at in range(0, len(rows), 100_000):
            columns = zip(*rows[at : at + 100_000], strict=True)
            arrays = [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def sorted_gzip(rows: Sequence[Quote], folder: Path) -> None:
    """As the archive sorts them: parsed, filtered, and a file for each symbol and hour."""
    by_path: dict[tuple[str, str], list[bytes]] = defaultdict(list)
    for row in rows:
        fields: dict[str, Any] = json.loads(row.value)
        if fields["price"] > 50:
            hour = datetime.fromisoformat(fields["event_time"]).strftime("%Y-%m-%d-%H")
            by_path[fields["ticker"], hour].append(row.value)
    for (ticker, hour), values in by_path.items():
        with gzip.open(folder / f"{ticker}-{hour}.jsonl.gz", "wb", LEVEL) as file:
            file.write(b"\n".join(values) + b"\n")


WRITERS: dict[str, Write] = {
    "gzip alone, one file": only_gzip,
    "pyarrow alone, one file": only_pyarrow,
    "json.loads, filter, a gzip file a folder": sorted_gzip,
}


def main(name: str, records: str, folder: str) -> None:
    """Write, and tell what it took; the rows are in memory before."""
    rows = list(quotes(int(records)))
    began, cpu = time.monotonic(), time.process_time()
    WRITERS[name](rows, Path(folder))
    taken = {"seconds": time.monotonic() - began, "cpu_seconds": time.process_time() - cpu}
    print(json.dumps(taken))


if __name__ == "__main__":
    main(*sys.argv[1:])
