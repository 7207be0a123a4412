"""The sections on live delivery."""

from typing import Any

from benchmarks.tables import differences, table, thousands, under


def fanout(found: dict[str, Any]) -> str:
    """A row for each server and size of burst."""
    header = ["messages at a time", "", "CPU us a delivery", "times the best", "deliveries/s"]
    rows = sorted(found["rows"], key=lambda row: (row["burst"], row["cpu_us"]))
    best = {row["burst"]: row["cpu_us"] for row in reversed(rows)}
    return under(
        "Fan-out over WebSocket",
        found,
        f"One message to {found['connections']:,} connections that all follow its key, without "
        f"compression. Median of {len(rows[0]['runs'])} runs, in turns. CPU is that of the server "
        "process, the making of messages included; the clients are raw sockets in another process, "
        "which compare what they get, and keep the server at most four rounds ahead. All run on "
        "asyncio's own event loop. A message alone is what a trickle of results looks like; a "
        "window that closes brings many at once, which Tally writes together for each "
        "connection.\n\n`python -m benchmarks fanout`",
        table(header, [_fanout_row(row, best[row["burst"]]) for row in rows]),
    )


def _fanout_row(row: dict[str, Any], best: float) -> list[str]:
    return [
        str(row["burst"]),
        row["name"],
        f"{row['cpu_us']:.2f}",
        f"{row['cpu_us'] / best:.2f}",
        thousands(row["deliveries_per_second"]),
    ]


def browser(found: dict[str, Any]) -> str:
    """A row for each run."""
    header = ["window", "records/s", "windows", "last final p50", "p99"]
    return under(
        "From a record to a WebSocket client",
        found,
        "Milliseconds from the acknowledged append after which every partition had passed a "
        "window's end, to a WebSocket frame at a client of a worker that follows all keys. "
        "*Last* is a window's last final, *each* is every one. Broker, worker, load and "
        "client share the machine.\n\n`python -m benchmarks browser`",
        table(
            [*header, "each final p50", "p99", "differences"],
            [_browser_row(row) for row in found["rows"]],
        ),
    )


def _browser_row(row: dict[str, Any]) -> list[str]:
    return [
        f"{row['window_ms'] / 1000:g} s",
        f"{row['measured_rate']:,.0f}",
        str(row["windows"]),
        *(f"{ms:,.0f}" for ms in (*row["last_final"], *row["each_final"])),
        differences(row["verdict"]),
    ]
