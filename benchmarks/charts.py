"""Charts of what was kept, as SVG; without matplotlib (the extra `bench`) there are none."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.progress import say
from benchmarks.report_compare import middle

_COLOURS = {
    "Tally": "#1b7f5c",
    "Kafka Streams": "#c8553d",
    "Kafka Streams, commit interval 1 s": "#e39b5a",
}
_LIMIT_COLOUR = "#8a8f98"
_SHORT = {
    "Kafka Streams, commit interval 1 s": "Kafka Streams,\ncommit interval 1 s",
    "getmany": "getmany\n+ Counter",
    "batches": "batches\n+ Counter",
    "windows": "batches + Counter\nper window",
}


def draw(pieces: dict[str, dict[str, Any]], folder: Path) -> None:
    """Draw all charts that there is something for."""
    try:
        import matplotlib
    except ImportError:
        say("no charts without matplotlib: pip install -e '.[bench]'")
        return
    matplotlib.use("svg")
    # Text stays text, and the same numbers give the same file.
    matplotlib.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "tally", "font.size": 9}
    folder.mkdir(parents=True, exist_ok=True)
    for name, found in pieces.items():
        if name.startswith("compare-zipf-"):
            _full_speed(found, folder / f"{name}.svg")
        elif name == "compare-latency":
            _latency(found, folder / "latency.svg")
        elif name.startswith("factor-"):
            _factor(found, folder / f"{name}.svg")


def _full_speed(found: dict[str, Any], file: Path) -> None:
    records = found["data"]["records"]
    runs = {**found["runs"], **found["limits"]}
    names = list(reversed(runs))
    labels = [_SHORT.get(name, name) for name in names]
    colours = [_COLOURS.get(name, _LIMIT_COLOUR) for name in names]
    figure, axes = _figure(2, height=0.5 + 0.5 * len(names))
    cost = [middle(runs[name], lambda run: run["cpu_seconds"] / records * 1e6) for name in names]
    speed = [middle(runs[name], lambda run: records / run["seconds"] / 1e6) for name in names]
    for axis, values, title in (
        (axes[0], cost, "CPU s per million records (less is better)"),
        (axes[1], speed, "million records/s (more is better)"),
    ):
        bars = axis.barh(labels, values, color=colours)
        axis.bar_label(bars, fmt="%.2f", padding=3)
        axis.set_title(title)
        axis.margins(x=0.15)
    axes[1].set_yticklabels([])
    _save(figure, file)


def _latency(found: dict[str, Any], file: Path) -> None:
    rows = [row for row in found["rows"] if row["last_final"]]
    windows = sorted({row["window_ms"] for row in rows})
    figure, axes = _figure(len(windows), height=2.4)
    for axis, window in zip(axes, windows, strict=True):
        some = [row for row in rows if row["window_ms"] == window]
        labels = [_SHORT.get(row["name"], row["name"]) for row in some]
        for i, percent in enumerate(("p50", "p99")):
            places = [n + 0.4 * i for n in range(len(some))]
            values = [row["last_final"][i] for row in some]
            colours = [_COLOURS.get(row["name"], _LIMIT_COLOUR) for row in some]
            bars = axis.barh(places, values, 0.36, color=colours, alpha=1 - 0.4 * i)
            axis.bar_label(bars, [f"{percent} {value:,.0f}" for value in values], padding=3)
        axis.set_yticks([n + 0.2 for n in range(len(some))], labels)
        axis.invert_yaxis()
        axis.margins(x=0.25)
        axis.set_title(f"ms to a window's last final, windows of {window / 1000:g} s")
        if axis is not axes[0]:
            axis.set_yticklabels([])
    _save(figure, file)


def _factor(found: dict[str, Any], file: Path) -> None:
    rows = found["rows"]
    values = list(dict.fromkeys(row["value"] for row in rows))
    figure, axes = _figure(2, height=2.4)
    for axis, title in zip(axes, ("CPU s per million records", "million records/s"), strict=True):
        for name in dict.fromkeys(row["name"] for row in rows):
            some = [row for row in rows if row["name"] == name]
            axis.plot(
                [values.index(row["value"]) for row in some],
                [_measure(row, title) for row in some],
                marker="o",
                color=_COLOURS.get(name),
                label=name,
            )
        axis.set_xticks(range(len(values)), values)
        axis.set_ylim(bottom=0)
        axis.set_title(title)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    _save(figure, file)


def _measure(row: dict[str, Any], title: str) -> float:
    records: int = row["data"]["records"]
    if title.startswith("CPU"):
        return float(row["run"]["cpu_seconds"]) / records * 1e6
    return records / float(row["run"]["seconds"]) / 1e6


def _figure(columns: int, height: float) -> tuple[Any, Sequence[Any]]:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        1, columns, figsize=(10, height), layout="constrained", squeeze=False
    )
    for axis in axes[0]:
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes[0]


def _save(figure: Any, file: Path) -> None:
    from matplotlib import pyplot

    # Without a date, so that a report of the same numbers is the same.
    figure.savefig(file, metadata={"Date": None}, transparent=False)
    pyplot.close(figure)
