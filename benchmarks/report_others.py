"""The sections on factors, recovery and other frameworks."""

from typing import Any

from benchmarks.tables import differences, megabytes, table, thousands, under

_TITLES = {
    "value-size": "Size of a value",
    "partitions": "Partitions",
    "compression": "Compression of the input",
    "keys": "Different hashtags, all equally likely",
    "workers": "Worker processes, or stream threads",
    "event-rate": "Records in a second of event time",
}


def factor(name: str, found: dict[str, Any]) -> str:
    """A row for each value and target."""
    short = name.removeprefix("factor-")
    header = [_TITLES[short], "", "records", "records/s", "CPU s per million", "broker's"]
    return under(
        f"One factor: {_TITLES[short].lower()}",
        found,
        "One run each; everything else as above, but for the number of records. Several workers "
        "join the group one by one while the first already consumes.\n\n"
        f"`python -m benchmarks factors --only {short}`",
        table([*header, "peak RSS", "differences"], [_factor_row(row) for row in found["rows"]]),
        f"![{_TITLES[short]}](charts/{name}.svg)",
    )


def _factor_row(row: dict[str, Any]) -> list[str]:
    run, records = row["run"], row["data"]["records"]
    return [
        row["value"],
        row["name"],
        f"{records:,}",
        thousands(records / run["seconds"]),
        f"{run['cpu_seconds'] / records * 1e6:.2f}",
        f"{run['broker_cpu_seconds'] / records * 1e6:.2f}",
        megabytes(run["peak_rss"]),
        differences({**run["verdict"], "unread": run["left"]}),
    ]


def restores(found: list[dict[str, Any]]) -> str:
    """All sizes in one table."""
    rows = sorted((row for one in found for row in one["rows"]), key=lambda row: row["keys"])
    header = ["keys", "", "records in changelogs", "start, disk intact", "start, disk wiped"]
    return under(
        "Restore",
        found[-1],
        "Seconds from the start (of the process; of the topology in a warm Java) until all tasks "
        "run: with the local state as it was left by a clean stop, and with the folder deleted. "
        "The difference is what the restore takes. Kafka Streams keeps what its suppression holds "
        "back in a second changelog.\n\n`python -m benchmarks recovery --only restore`",
        table([*header, "restored records/s"], [_restore_row(row) for row in rows]),
    )


def _restore_row(row: dict[str, Any]) -> list[str]:
    restoring = max(row["wiped_seconds"] - row["intact_seconds"], 0.001)
    return [
        f"{row['keys']:,}",
        row["name"],
        f"{row['changelog_records']:,}",
        f"{row['intact_seconds']:.1f}",
        f"{row['wiped_seconds']:.1f}",
        thousands(row["changelog_records"] / restoring),
    ]


def rebalance(found: dict[str, Any]) -> str:
    """The longest silence of any output partition."""
    rows = [
        [row["name"], *(f"{row[gap]:.1f}" for gap in _GAPS), differences(row["verdict"])]
        for row in found["rows"]
    ]
    return under(
        "Rebalance",
        found,
        "The longest time (s) without finals in any output partition, at "
        f"{found['rows'][0]['rate']:,} records/s, windows of 1 s, so that 1 s is normal, and 1 s "
        "of grace: before, after a second worker joins, and after that one is killed (`kill -9`, "
        "no restart). Tally's session timeout is 6 s by default, that of Kafka Streams 45 s.\n\n"
        "`python -m benchmarks recovery --only rebalance`",
        table(["", "steady", "a worker joins", "it is killed", "differences"], rows),
    )


_GAPS = ("steady_gap", "join_gap", "kill_gap")


def peers(found: dict[str, Any]) -> str:
    """A row for each framework and setting."""
    header = ["", "records", "records/s", "CPU s per million", "peak RSS", "finals", "expected"]
    return under(
        "Stock Faust and Quix Streams",
        found,
        f"The same job as their documentation shows it, {found['rows'][0]['data']['distinct']:,} "
        "hashtags in one partition. Seconds and CPU until all is read and committed, for which "
        "Quix Streams takes its time (5 s). Faust's `group_by` doesn't hand on the timestamp, and "
        "it closes windows by the wall clock.\n\n`python -m benchmarks peers`",
        table([*header, "differences", "note"], [_peer_row(row) for row in found["rows"]]),
    )


def _peer_row(row: dict[str, Any]) -> list[str]:
    records, expected = row["data"]["records"], f"{row['data']['finals']:,}"
    if "failed" in row:
        last = row["failed"].strip().splitlines()[-1].replace("|", "/")
        return [row["name"], f"{records:,}", *[""] * 4, expected, "", f"did not run: {last}"]
    done = records - row["left"]
    note = f"{row['left']:,} records left after {row['seconds']:.0f} s" if row["left"] else ""
    return [
        row["name"],
        f"{records:,}",
        f"{done / row['seconds']:,.0f}",
        f"{row['cpu_seconds'] / max(done, 1) * 1e6:,.0f}",
        megabytes(row["peak_rss"]),
        f"{row['finals']:,}",
        expected,
        differences(row["verdict"]),
        note,
    ]
