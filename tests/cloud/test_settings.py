"""Tasks are given settings that the application really reads, and values that it accepts."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from producers.sources import tweets
from streams import cli
from streams.setting_fields import variables
from streams.settings import Settings
from tests.cloud.calls import ROOT
from tests.cloud.deployments import DEPLOYMENTS, deployment
from tests.cloud.rights import stack_of
from tests.cloud.tasks import Task, tasks

#: Variables of the start script, which it takes away again or which only it reads.
SCRIPT = {"SLOTS", "CLIENT_BUNDLE", "LIVE_TOKENS", "INGEST_TOKENS"}
#: Read by a producer, and not a setting.
PRODUCERS = {tweets.TOKEN}

ALL = [(name, task.kind) for name in DEPLOYMENTS for task in tasks(deployment(name))]


def _known() -> set[str]:
    parts: list[type[Any]] = [Settings, *Settings.PARTS.values()]
    return {name for part in parts for name in variables(part)}


@pytest.fixture(params=ALL, ids=lambda case: f"{case[0]}-{case[1]}")
def task(request: pytest.FixtureRequest) -> Task:
    name, kind = request.param
    return next(task for task in tasks(deployment(name)) if task.kind == kind)


def test_variables_are_settings(task: Task) -> None:
    assert {*task.environment, *task.secrets} - SCRIPT - PRODUCERS <= _known()


def test_values_are_accepted(task: Task, tmp_path: Path) -> None:
    environment = _settings(task, tmp_path)
    for file in _files(task):
        (tmp_path / file).touch()
    settings = Settings.from_env(environment)
    assert settings.app_id == "tally"
    given = task.stack.parameters
    assert settings.input_topics == {given["Job"]: given["InputTopic"]}
    assert settings.output_topics == {given["Job"]: given["OutputTopic"]}
    assert {settings.window_ms, settings.tickers.window_ms} == {int(given["WindowSeconds"]) * 1000}
    assert settings.replication == 3
    assert settings.data_dir == tmp_path
    assert settings.create_topics == (task.kind in {"topics", "ingest"})


@pytest.mark.parametrize("name", ["scram", "tls", "iam"])
def test_operators_have_the_same_settings(name: str) -> None:
    (client,) = (s for s in deployment(name).all_stacks() if s.file == "client.yaml")
    # A machine runs it when it is new, which it is for each version of its template.
    assert client.made["Instance"]["Properties"]["LaunchTemplate"]["Version"] == "1"
    script = client.made["Machine"]["Properties"]["LaunchTemplateData"]["UserData"]
    lines = script.partition("environment <<'END'\n")[2].partition("END\n")[0].splitlines()
    environment = dict(line.split("=", 1) for line in lines)
    region = environment.pop("AWS_REGION")
    assert region in environment["KAFKA_BOOTSTRAP"]
    assert environment.keys() <= _known()
    (worker,) = (task for task in tasks(deployment(name)) if task.kind == "worker")
    assert environment.items() <= {**worker.environment, "KAFKA_SSL_CERTFILE": ""}.items()


def test_what_workers_are_told_of_appsync() -> None:
    for name, mode in {"scram": "graphql", "tls": "typed", "tls with a CA": "events"}.items():
        (worker,) = (task for task in tasks(deployment(name)) if task.kind == "worker")
        assert worker.environment["STREAMS_APPSYNC_MODE"] == mode
        assert worker.environment["STREAMS_APPSYNC_URL"].startswith("https://abc.appsync-api.")
        assert worker.environment["STREAMS_APPSYNC_API_KEY_SECRET_ARN"].endswith("KeySecret-AbCdEf")


def test_commands_are_there(task: Task, capsys: pytest.CaptureFixture[str]) -> None:
    program, *arguments = task.command
    if program == "tally":
        with pytest.raises(SystemExit) as left:
            cli.main([*arguments, "--help"])
    else:
        from producers import cli as producers_cli

        with pytest.raises(SystemExit) as left:
            producers_cli.main([*arguments, "--help"])
    assert left.value.code == 0
    assert capsys.readouterr().out


def test_the_volume_is_the_one_that_the_image_lets_its_user_write_to() -> None:
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    (worker,) = (task for task in tasks(deployment("iam")) if task.kind == "worker")
    [mounted] = worker.container["MountPoints"]
    # Fargate gives a volume the owner that the image's folder has.
    assert f"VOLUME {mounted['ContainerPath']}" in image
    assert f"USER {worker.container['User']}:10001" in image
    access_point = stack_of("iam", "efs.yaml").made["AccessPoint"]["Properties"]
    assert access_point["PosixUser"] == {"Uid": worker.container["User"], "Gid": "10001"}


def test_secrets_become_files_and_leave_the_environment(tmp_path: Path) -> None:
    (gateway,) = (task for task in tasks(deployment("tls")) if task.kind == "gateway")
    secrets = {"CLIENT_BUNDLE": "-----BEGIN 1\n2", "LIVE_TOKENS": "{}", "KAFKA_SSL_PASSWORD": "x"}
    assert gateway.secrets.keys() == secrets.keys()
    shown = _start(gateway, tmp_path, secrets, "import os; print(dict(os.environ))")
    assert (tmp_path / "client.pem").read_text() == "-----BEGIN 1\n2\n"
    assert (tmp_path / "live-tokens.json").read_text() == "{}\n"
    assert {file.name for file in tmp_path.iterdir()} == {"client.pem", "live-tokens.json"}
    assert (tmp_path / "client.pem").stat().st_mode & 0o077 == 0
    assert "CLIENT_BUNDLE" not in shown
    assert "LIVE_TOKENS'" not in shown
    assert "KAFKA_SSL_PASSWORD" in shown


def test_the_program_takes_the_place_of_its_start_script(tmp_path: Path) -> None:
    (worker,) = (task for task in tasks(deployment("default")) if task.kind == "worker")
    process = _popen(worker, tmp_path, {}, "import os; print(os.getpid())")
    assert int(process.communicate(timeout=60)[0]) == process.pid


def test_each_task_has_a_folder_of_its_own(tmp_path: Path) -> None:
    (worker,) = (task for task in tasks(deployment("iam")) if task.kind == "worker")
    show = "import os; print(os.environ['STREAMS_DATA_DIR'], os.environ['STREAMS_INSTANCE_ID'])"
    wait = f"{show[:-1]}, flush=True); input()"
    running = [_popen(worker, tmp_path, {}, wait) for _ in range(2)]
    lines = [_line(process) for process in running]
    # Which one comes first is left to chance.
    assert sorted(lines) == [f"{tmp_path}/slot-{n} tally-slot-{n}" for n in (1, 2)]
    first = lines.index(f"{tmp_path}/slot-1 tally-slot-1")
    running[first].communicate("\n", timeout=60)
    assert _start(worker, tmp_path, {}, show).split() == [f"{tmp_path}/slot-1", "tally-slot-1"]
    running[1 - first].communicate("\n", timeout=60)


def test_kafka_is_reached_as_the_cluster_allows() -> None:
    expected = {
        "iam": ("SASL_SSL", "AWS_MSK_IAM"),
        "scram": ("SASL_SSL", "SCRAM-SHA-512"),
        "tls": ("SSL", ""),
        "least": ("SSL", ""),
    }
    for name, (protocol, mechanism) in expected.items():
        for task in tasks(deployment(name)):
            assert task.environment["KAFKA_SECURITY_PROTOCOL"] == protocol
            assert task.environment["KAFKA_SASL_MECHANISM"] == mechanism
            assert bool(task.environment["KAFKA_SASL_SECRET_ARN"]) == (name == "scram")
            assert bool(task.environment["KAFKA_SSL_CERTFILE"]) == (name == "tls")


def _environment(task: Task, folder: Path) -> dict[str, str]:
    """The task's, with this folder instead of its volume."""
    return {
        name: value.replace("/data", str(folder)) if value.startswith("/data") else value
        for name, value in task.environment.items()
    }


def _settings(task: Task, folder: Path) -> dict[str, str]:
    """Those of its variables that are settings."""
    environment = _environment(task, folder)
    return {name: environment[name] for name in environment.keys() - SCRIPT}


def _files(task: Task) -> list[str]:
    """The files that its start script writes."""
    values = task.environment.values()
    return [Path(value).name for value in values if value.startswith("/data/")]


def _start(task: Task, folder: Path, secrets: dict[str, str], program: str) -> str:
    process = _popen(task, folder, secrets, program)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return out


def _popen(
    task: Task, folder: Path, secrets: dict[str, str], program: str
) -> subprocess.Popen[str]:
    """Its start script, with a program of Python's instead of the task's command."""
    given = {**_environment(task, folder), **secrets}
    return subprocess.Popen(
        [*task.container["EntryPoint"], sys.executable, "-c", program],
        env={"PATH": os.environ["PATH"], **given},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()
