"""`python -m deploy.audit`: known vulnerabilities in the locked dependencies, by pip-audit.

Exit code 1 if there are any. What couldn't be checked is told loudly, and fails with --strict.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LOCKS = Path(__file__).parent / "image"
#: Asked one after the other, until one answers.
SERVICES = ("osv", "pypi")
#: Seconds for a service to answer about one lock file.
SECONDS = 120
#: Nothing here can know what these hold.
OUT_OF_REACH = "the base image's packages and Python itself: scan the built image in its registry"


@dataclass
class Outcome:
    """Findings, and what nothing is known about; a line each."""

    findings: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    checked: int = 0


def main(argv: Sequence[str] | None = None) -> int:
    """Audit all lock files; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.audit", description=__doc__)
    parser.add_argument("--strict", action="store_true", help="fail if a package wasn't checked")
    parser.add_argument("--osv-url", help="an OSV service of one's own; no other is asked")
    parser.add_argument("locks", nargs="*", type=Path, help="lock files (default: the image's)")
    options = parser.parse_args(argv)
    outcome = Outcome()
    for lock in options.locks or sorted(LOCKS.glob("*.lock")):
        _audit(lock, options.osv_url, outcome)
    for finding in outcome.findings:
        print(f"VULNERABLE {finding}")
    print(f"{outcome.checked} locked packages checked, {len(outcome.findings)} findings")
    _warn([*outcome.unchecked, OUT_OF_REACH])
    return int(bool(outcome.findings) or (options.strict and bool(outcome.unchecked)))


def _audit(lock: Path, osv_url: str | None, outcome: Outcome) -> None:
    services = ("osv",) if osv_url else SERVICES
    problems = []
    for service in services:
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock)]
        command += ["--disable-pip", "--require-hashes", "--format=json", "--progress-spinner=off"]
        command += [f"--vulnerability-service={service}"]
        command += [f"--osv-url={osv_url}"] if osv_url else []
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
            report = json.loads(done.stdout)
        except subprocess.TimeoutExpired:
            problems.append(f"{service}: no answer within {SECONDS} s")
        except json.JSONDecodeError:
            problems.append(f"{service}: {_last_line(done.stderr)}")
        else:
            _read(lock, report, outcome)
            return
    outcome.unchecked.append(f"all of {lock.name}: no service answers ({'; '.join(problems)})")


def _read(lock: Path, report: dict[str, Any], outcome: Outcome) -> None:
    for package in report["dependencies"]:
        if "skip_reason" in package:
            outcome.unchecked.append(f"{lock.name}: {package['name']}: {package['skip_reason']}")
            continue
        outcome.checked += 1
        for found in package["vulns"]:
            fixed = ", ".join(found["fix_versions"]) or "nowhere yet"
            outcome.findings.append(
                f"{package['name']} {package['version']}: {found['id']}, fixed in {fixed} "
                f"({lock.name})"
            )


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no report"


def _warn(unchecked: Sequence[str]) -> None:
    def lines() -> Iterator[str]:
        yield " NOT CHECKED ".center(78, "!")
        yield from (f"! {one}" for one in unchecked)
        yield "!" * 78

    print("\n".join(lines()), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
