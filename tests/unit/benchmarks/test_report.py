"""The page that is made of what was kept."""

from pathlib import Path
from typing import Any

from benchmarks.report import page
from benchmarks.results import Results

VERDICT = {"missing": 0, "extra": 0, "wrong": 0, "repeated": 0}


def test_a_page_has_a_section_for_each_piece_that_was_kept(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.save("recovery-restore-10000", {"rows": [_restored("Tally", 10_000)]})
    results.save("recovery-restore-5000", {"rows": [_restored("Tally", 5_000)]})
    runs = [_run(cpu, missing) for cpu, missing in ((30.0, 0), (10.0, 2), (20.0, 1))]
    data = {"records": 10_000_000, "distinct": 50, "partitions": 3, "rate": 5, "finals": 7}
    data |= {"window_ms": 20_000, "grace_ms": 0}
    compared = {"data": data, "runs": {"Tally": runs}, "limits": {}}
    results.save("compare-zipf-1.1", compared)
    written = [{"mb_per_s": n, "mb_per_cpu_s": 2 * n, "peak_rss": 10**8} for n in (3.0, 1.0, 2.0)]
    rows = [{"name": "gzip", "runs": written}]
    results.save("archive", {"records": 1_000, "bytes": 10**7, "rows": rows})
    text = page(results.read())
    assert text.count("\n## ") == 3
    assert "| gzip | 2.0 | 4.0 | 100 MB |" in text
    assert "| Tally | 1,000,000 | 2.00 | 0.10 | 100 MB | 3 | 3 missing |" in text
    assert "| 5,000 | Tally | 10,000 | 1.0 | 3.0 | 5,000 |" in text
    assert text.index("| 5,000 |") < text.index("| 10,000 |")


def _restored(name: str, keys: int) -> dict[str, Any]:
    times = {"intact_seconds": 1.0, "wiped_seconds": 3.0}
    return {"name": name, "keys": keys, "changelog_records": keys * 2, **times}


def _run(cpu: float, missing: int) -> dict[str, Any]:
    used = {"seconds": 10.0, "cpu_seconds": cpu, "broker_cpu_seconds": 1.0, "peak_rss": 10**8}
    return used | {"left": 0, "verdict": VERDICT | {"missing": missing}}
