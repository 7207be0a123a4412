"""The section on ingestion."""

from typing import Any

from benchmarks.tables import table, thousands, under


def ingest(found: dict[str, Any]) -> str:
    """A row for each server and size of request."""
    rows = sorted(found["rows"], key=lambda row: (row["size"], row["cpu_us"]))
    return under(
        "HTTP ingestion",
        found,
        f"JSON records of {found['value_bytes']} bytes over kept connections: 64 that send single "
        "records, 4 that send arrays of 500, each the next request when the last one is answered. "
        f"Median of {len(rows[0]['runs'])} runs, in turns. The bare handler parses, produces with "
        "aiokafka as idempotently, and answers without offsets; it checks and bounds nothing. CPU "
        "is that of the server process; broker and clients share the machine."
        "\n\n`python -m benchmarks ingest`",
        table(
            ["records in a request", "", "records/s", "CPU us a record"],
            [
                [
                    str(row["size"]),
                    row["name"],
                    thousands(row["records_per_second"]),
                    f"{row['cpu_us']:.1f}",
                ]
                for row in rows
            ],
        ),
    )
