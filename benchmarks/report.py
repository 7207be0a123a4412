"""What was measured, as Markdown: printed, and put into RESULTS.md in its own section."""

import os
import platform
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks.latency import Latency, percentile
from benchmarks.throughput import Throughput

RESULTS = Path(__file__).with_name("RESULTS.md")
_PACKAGES = ("faust-streaming", "aiokafka", "rocksdict")


def save(section: str, text: str) -> None:
    """Replace one section of RESULTS.md, between its two comments; the rest stays."""
    begin, end = f"<!-- {section} -->", f"<!-- /{section} -->"
    page = RESULTS.read_text() if RESULTS.exists() else "# Results\n"
    block = f"{begin}\n{text}\n{end}"
    pattern = re.compile(re.escape(begin) + ".*" + re.escape(end), re.DOTALL)
    found = pattern.search(page)
    page = pattern.sub(lambda _: block, page) if found else f"{page}\n{block}\n"
    RESULTS.write_text(page)


def machine() -> str:
    """What it was measured on."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{os.cpu_count()} cores shared by broker, worker and reader, "
        f"{pages / 2**30:.0f} GiB of memory, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {packages}."
    )


def throughput(found: Throughput) -> str:
    """The table of medians, the raw limits beside the worker, and each run."""
    millions = found.plan.records / 1e6
    worker = [run.cpu_seconds / millions for run in found.runs]
    speeds = [found.plan.records / run.seconds for run in found.runs]
    batches = median(limit.cpu_seconds / millions for limit in found.limits["batches"])
    rows = [("worker, exactly once, RocksDB", median(worker), median(speeds))]
    for way, limits in found.limits.items():
        cost = median(limit.cpu_seconds / millions for limit in limits)
        rows.append((f"{way} + Counter", cost, median(_rates(found, way))))
    lines = [
        "## Full speed",
        "",
        f"`python -m benchmarks throughput --millions {millions:g} --runs {found.plan.runs} "
        f"--zipf {found.plan.skew:g}`",
        "",
        f"{found.plan.records:,} hashtags, Zipf {found.plan.skew:g} over "
        f"{found.plan.distinct:,}, {found.finals:,} finals ({found.finals / millions:,.0f} per "
        f"million), {found.late:,} late records. Medians of {found.plan.runs} runs.",
        machine(),
        "",
        "| | CPU s per million | times `batches` | records/s |",
        "| --- | --- | --- | --- |",
        *(f"| {n} | {cost:.2f} | {cost / batches:.1f} | {_k(rate)} |" for n, cost, rate in rows),
        "",
        f"CPU s per million of each run: {_list(worker)}. "
        f"Peak RSS: {max(run.peak_rss for run in found.runs) / 1e6:.0f} MB. "
        f"Before consuming, a worker takes {_start(found):.1f} CPU s. "
        f"Missing, extra, wrong, repeated finals: {_verdicts(found)}.",
    ]
    return "\n".join(lines)


def latency(found: Sequence[Latency]) -> str:
    """A row for each window size."""
    lines = [
        "## Latency",
        "",
        "`python -m benchmarks latency`",
        "",
        "Milliseconds from the acknowledged append after which every partition had passed a "
        "window's end, to the window's finals being readable (read committed). Default settings, "
        "but for the window's size where it isn't 20 s.",
        machine(),
        "",
        "| window | records/s | windows | last final p50 | p99 | each final p50 | p99 "
        "| from sending p99 | CPU s per million | peak RSS | differences |",
        "| --- " * 11 + "|",
    ]
    for one in found:
        numbers = [
            percentile(one.windows, 50),
            percentile(one.windows, 99),
            percentile(one.finals, 50),
            percentile(one.finals, 99),
            percentile(one.from_sending, 99),
        ]
        lines.append(
            f"| {one.plan.window_ms / 1000:g} s | {one.rate:,.0f} | {len(one.windows)} | "
            + " | ".join(f"{number:.0f}" for number in numbers)
            + f" | {one.cpu_seconds_per_million:.2f} | {one.peak_rss / 1e6:.0f} MB "
            f"| {sum(one.verdict)} |"
        )
    return "\n".join(lines)


def _rates(found: Throughput, way: str) -> list[float]:
    return [found.plan.records / limit.seconds for limit in found.limits[way]]


def _k(rate: float) -> str:
    return f"{rate / 1000:,.0f},000"


def _list(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def _start(found: Throughput) -> float:
    return median(run.start_cpu_seconds for run in found.runs)


def _verdicts(found: Throughput) -> str:
    columns = zip(*(run.verdict for run in found.runs), strict=True)
    return ", ".join(str(sum(column)) for column in columns)
