"""`python -m deploy.aws`: what it asks `aws` and `docker` for."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.aws import cli, images
from tests.cloud.programs import AWS, DOCKER, install

Noted = Callable[[], list[str]]
AGENT = f"host/agent:{images.AGENT_VERSION}"
OURS = "host/ours:0123456789abcdef0123"


@pytest.fixture
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Noted:
    install(tmp_path, "aws", AWS)
    install(tmp_path, "docker", DOCKER)
    notes = tmp_path / "notes"
    monkeypatch.setenv("NOTES", str(notes))
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path), os.environ["PATH"]]))
    return lambda: notes.read_text().splitlines()


def _deployed(lines: list[str], stack: str) -> str:
    (line,) = (line for line in lines if f"cloudformation deploy --stack-name {stack} " in line)
    return line


def test_all_is_deployed_in_its_order(noted: Noted, tmp_path: Path) -> None:
    file = tmp_path / "parameters.json"
    file.write_text('{"Workers": 3, "AppSync": "typed"}')
    given = ["Workers=4", "Producer=none", "--parameters-file", str(file)]
    assert cli.main(["deploy", "tally", *given]) == 0
    lines = noted()
    steps = ["deploy --stack-name tally-base ", "docker build", f"docker push {OURS}"]
    steps += [f"docker push {AGENT}", "cloudformation package", "deploy --stack-name tally "]
    found = [next(n for n, line in enumerate(lines) if step in line) for step in steps]
    assert found == sorted(found)
    parameters = _deployed(lines, "tally").partition("--parameter-overrides ")[2].split()
    values = dict(item.split("=", 1) for item in parameters)
    assert int(values.pop("ApiKeyExpires")) > 0
    assert values == {
        "BaseStack": "tally-base",
        "Image": OURS,
        "AgentImage": AGENT,
        # What is given by itself wins.
        "Workers": "4",
        "AppSync": "typed",
        "Producer": "none",
    }


def test_the_last_images_may_stay(noted: Noted) -> None:
    assert cli.main(["deploy", "tally", "--keep-images"]) == 0
    lines = noted()
    assert not [line for line in lines if line.startswith("docker")]
    assert "Image=" not in _deployed(lines, "tally")


@pytest.mark.usefixtures("noted")
def test_what_is_no_parameter_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["deploy", "tally", "Workers"]) == 1
    assert "'Workers' isn't NAME=VALUE" in capsys.readouterr().err
    assert not (tmp_path / "notes").exists()


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("Workerz=3", "there is no parameter Workerz; "),
        ("AppSync=tipped", "AppSync=tipped is refused. Allowed: typed, none"),
    ],
)
def test_what_the_template_refuses_is_told_before_anything_is_made(
    noted: Noted, capsys: pytest.CaptureFixture[str], given: str, reason: str
) -> None:
    assert cli.main(["deploy", "tally", given]) == 1
    assert reason in capsys.readouterr().err
    [asked] = noted()
    assert "get-template-summary" in asked


@pytest.mark.usefixtures("noted")
def test_what_fails_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(tmp_path, "aws", "#!/bin/sh\necho Unable to locate credentials >&2\nexit 253\n")
    assert cli.main(["remove", "tally"]) == 1
    assert "Unable to locate credentials" in capsys.readouterr().err


def test_what_is_not_installed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cli.main(["deploy", "tally"]) == 1
    assert capsys.readouterr().err == "deploy: aws isn't installed\n"
