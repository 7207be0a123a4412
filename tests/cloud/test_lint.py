"""Others' judgement of the templates: each finding is gone, or explained beside it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cloud import checkov
from tests.cloud.templates import FOLDER

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


def test_cfn_lint_finds_nothing() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint")],
        cwd=ROOT,  # where .cfnlintrc is
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_checkov_finds_nothing_that_is_not_explained() -> None:
    found = checkov.run()
    assert not found.failed
    assert found.passed > 100
    assert all(found.explanations)


def test_cfn_guard_finds_nothing() -> None:
    guard = shutil.which("cfn-guard")
    if guard is None:
        pytest.skip("needs cfn-guard: cargo install cfn-guard")
    rules = FOLDER / "rules.guard"
    for file in sorted(FOLDER.glob("*.yaml")):
        done = subprocess.run(
            [guard, "validate", "--rules", rules, "--data", file, "--show-summary", "fail"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
