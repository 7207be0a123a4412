"""Others' judgement of the templates: each finding is gone, or explained beside it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cloud import checkov
from tests.cloud.templates import FOLDER, TEMPLATES, template

ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_cfn_lint_finds_nothing() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint")],
        cwd=ROOT,  # where .cfnlintrc is
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long
@pytest.mark.timeout(900)
def test_checkov_finds_nothing_that_is_not_explained() -> None:
    found = checkov.run()
    assert not found.failed
    assert found.passed > 100
    assert all(found.explanations)


def test_cfn_guard_finds_nothing() -> None:
    guard = pytest.importorskip("cfn_guard_rs", reason="has no wheel for this Python")
    rules = (FOLDER / "rules.guard").read_text(encoding="utf-8")
    used = set()
    for name in TEMPLATES:
        found = guard.run_checks(template(name), rules)
        assert not [report.Rule.name for report in found.not_compliant], name
        used |= set(found.compliant)
    assert used == set(re.findall(r"^rule (\w+)", rules, re.MULTILINE))
