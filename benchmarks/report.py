"""RESULTS.md and its charts, from what was kept."""

from collections.abc import Callable
from typing import Any

from benchmarks import charts, scaling
from benchmarks.report_archive import archive
from benchmarks.report_compare import full_speed, latency
from benchmarks.report_ingest import ingest
from benchmarks.report_live import browser, fanout
from benchmarks.report_others import factor, peers, rebalance, restores
from benchmarks.results import Results

Pieces = dict[str, dict[str, Any]]


def write(results: Results) -> None:
    """Make the page and the charts of all that was kept."""
    pieces = results.read()
    charts.draw(pieces, results.charts)
    results.page.write_text(page(pieces))
    if (measured := scaling.measured(pieces)) is not None:
        results.scaling.write_text(scaling.page(measured))


def page(pieces: Pieces) -> str:
    """The page; a piece that was not measured has no section."""
    sections = [
        *(full_speed(name, found) for name, found in _of(pieces, "compare-zipf-")),
        *(latency(found) for _, found in _of(pieces, "compare-latency")),
        *(factor(name, found) for name, found in _of(pieces, "factor-")),
        *_together(pieces, "recovery-restore-", restores),
        *(rebalance(found) for _, found in _of(pieces, "recovery-rebalance")),
        *(peers(found) for _, found in _of(pieces, "peers")),
        *(fanout(found) for _, found in _of(pieces, "fanout")),
        *(browser(found) for _, found in _of(pieces, "browser")),
        *(ingest(found) for _, found in _of(pieces, "ingest")),
        *(archive(found) for _, found in _of(pieces, "archive")),
    ]
    return "\n\n".join(["# Results", _INTRODUCTION, *sections]) + "\n"


_INTRODUCTION = """\
Tally beside Kafka Streams: the same job, topic and broker, on the same machine, in turns. Both
count exactly once, keep their counts in RocksDB and log each final; every setting is at its default
unless a row says otherwise. How it is measured:

- Nothing is measured before a program consumes. Java is warmed up first, in the same process, by
  counting another topic of the same kind.
- Seconds and CPU seconds (of all threads, also those that compile and collect garbage) are taken
  from then to the last final, which a separate reader sees as soon as it is committed.
- Peak RSS is that of the measured part. Java's heap may take 2 GB (`-Xmx2g`; 8 GB for the largest
  states), with no other flags. How much of that it takes is its own choice.
- *Differences* compare every final with a count by brute force, in which lateness is judged in each
  input partition: *missing*, *extra*, *wrong* count, *repeated*. Kafka Streams judges lateness
  after the shuffle, so with several partitions it may drop records that were on time at their
  source.
- No record closes windows for the others: event time runs on evenly and then stops, just beyond the
  end of a window and its grace. Windows that are still open then are not counted. Where a topic was
  loaded beforehand, Tally runs with `STREAMS_WINDOW_IDLE_SECONDS=0`, which its README asks for with
  old data: it would close them by the wall clock if a run takes longer than a minute.
- Raw limits do nothing but consume and count, without keeping or writing anything."""


def _of(pieces: Pieces, prefix: str) -> list[tuple[str, dict[str, Any]]]:
    return [(name, found) for name, found in pieces.items() if name.startswith(prefix)]


def _together(
    pieces: Pieces, prefix: str, section: Callable[[list[dict[str, Any]]], str]
) -> list[str]:
    found = [one for _, one in _of(pieces, prefix)]
    return [section(found)] if found else []
