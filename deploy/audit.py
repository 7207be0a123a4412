"""`python -m deploy.audit`: known vulnerabilities in the locked dependencies, by pip-audit.

Exit code 1 if there are any. What couldn't be checked is told loudly, and fails with --strict.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

LOCKS = Path(__file__).parent / "image"
#: Asked one after the other, until one knows the packages.
SERVICES = ("pypi", "osv")
#: Seconds for a service to answer about one lock file.
SECONDS = 90
#: Nothing here can know what these hold.
OUT_OF_REACH = "the base image's packages and Python itself: scan the built image in its registry"


class Outcome(NamedTuple):
    """Of one lock file: how many packages were checked, what was found, what is not known."""

    checked: int
    findings: list[str]
    unchecked: list[str]


class NoAnswerError(Exception):
    """A service can't be reached; says why."""


class Auditor:
    """Remembers which services don't answer, for each costs its time."""

    def __init__(self, osv_url: str | None) -> None:
        self._osv_url = osv_url
        self._services = ["osv"] if osv_url else list(SERVICES)
        self._silent: list[str] = []

    def audit(self, lock: Path) -> Outcome:
        """Ask the services about a lock file's packages."""
        reasons = []
        for service in list(self._services):
            try:
                outcome = _outcome(lock, self._ask(service, lock))
            except NoAnswerError as exc:
                self._services.remove(service)
                self._silent.append(f"{service}: {exc}")
                continue
            if outcome.checked:
                return outcome
            reasons += outcome.unchecked
        return Outcome(0, [], [f"all of {lock.name}: {'; '.join([*self._silent, *reasons])}"])

    def _ask(self, service: str, lock: Path) -> dict[str, Any]:
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock)]
        command += ["--disable-pip", "--require-hashes", "--format=json", "--progress-spinner=off"]
        command += [f"--vulnerability-service={service}"]
        command += [f"--osv-url={self._osv_url}"] if self._osv_url else []
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
            report: dict[str, Any] = json.loads(done.stdout)
        except subprocess.TimeoutExpired:
            raise NoAnswerError(f"no answer within {SECONDS} s") from None
        except json.JSONDecodeError:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            raise NoAnswerError(lines[-1].strip() if lines else "no report") from None
        return report


def _outcome(lock: Path, report: dict[str, Any]) -> Outcome:
    packages = report["dependencies"]
    known = [package for package in packages if "skip_reason" not in package]
    findings = [
        f"{package['name']} {package['version']}: {found['id']}, fixed in "
        f"{', '.join(found['fix_versions']) or 'nowhere yet'} ({lock.name})"
        for package in known
        for found in package["vulns"]
    ]
    # Behind the colon a reason names its package, and there are dozens.
    skipped = [p["skip_reason"].partition(":")[0] for p in packages if "skip_reason" in p]
    unchecked = [f"{n} of {lock.name}: {reason}" for reason, n in Counter(skipped).items()]
    return Outcome(len(known), findings, unchecked)


def main(argv: Sequence[str] | None = None) -> int:
    """Audit all lock files; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.audit", description=__doc__)
    parser.add_argument("--strict", action="store_true", help="fail if a package wasn't checked")
    parser.add_argument("--osv-url", help="an OSV service of one's own; no other is asked")
    parser.add_argument("locks", nargs="*", type=Path, help="lock files (default: the image's)")
    options = parser.parse_args(argv)
    locks = options.locks or [LOCKS / name for name in ("build.lock", "requirements.lock")]
    for lock in locks:
        if not lock.is_file():
            parser.error(f"there is no {lock}")
    auditor = Auditor(options.osv_url)
    outcomes = [auditor.audit(lock) for lock in locks]
    findings = [finding for outcome in outcomes for finding in outcome.findings]
    unchecked = [one for outcome in outcomes for one in outcome.unchecked]
    for finding in findings:
        print(f"VULNERABLE {finding}")
    checked = sum(outcome.checked for outcome in outcomes)
    print(f"{checked} locked packages checked, {len(findings)} findings")
    _warn([*unchecked, OUT_OF_REACH])
    return int(bool(findings) or (options.strict and bool(unchecked)))


def _warn(unchecked: Sequence[str]) -> None:
    lines = [" NOT CHECKED ".center(78, "!"), *(f"! {one}" for one in unchecked), "!" * 78]
    print("\n".join(lines), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
