"""A real broker: started, used, hurt and stopped."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from aiokafka.errors import KafkaConnectionError

from deploy.local import LocalKafka, local_or_external
from deploy.local.cli import main
from deploy.local.errors import BrokerDiedError, DataFolderError, PortTakenError
from deploy.local.ports import HOST, accepts_connections
from tests.deploy.clients import consume, create_topic, list_topics, produce
from tests.polling import until

ROOT = Path(__file__).parents[2]


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def test_records_go_in_and_come_out(plain: LocalKafka) -> None:
    assert plain.env() == {"KAFKA_BOOTSTRAP": plain.bootstrap}
    create_topic(plain.client_options(), "in-out")
    produce(plain.client_options(), "in-out", b"one", b"two")
    assert consume(plain.client_options(), "in-out", 2) == [b"one", b"two"]


def test_committed_records_survive_a_kill(plain: LocalKafka) -> None:
    create_topic(plain.client_options(), "killed")
    produce(plain.client_options(), "killed", b"kept")
    [broker] = plain.brokers
    address, pid = broker.address, broker.pid
    broker.kill()
    assert not broker.running
    broker.start()
    assert (broker.address, broker.running) == (address, True)
    assert broker.pid != pid
    assert consume(plain.client_options(), "killed", 1) == [b"kept"]


def test_a_paused_broker_answers_nothing_until_resumed(plain: LocalKafka) -> None:
    [broker] = plain.brokers
    broker.pause()
    try:
        assert broker.running
        with pytest.raises(KafkaConnectionError):
            list_topics({**plain.client_options(), "request_timeout_ms": 500})
    finally:
        broker.resume()
    create_topic(plain.client_options(), "resumed")


@pytest.mark.long
def test_a_data_folder_keeps_topics_and_the_port(tmp_path: Path) -> None:
    cluster = LocalKafka(data_dir=tmp_path, quiet=True)
    with cluster:
        create_topic(cluster.client_options(), "kept")
        produce(cluster.client_options(), "kept", b"value")
        port = port_of(cluster.bootstrap)
    assert not accepts_connections(port)
    with LocalKafka(data_dir=tmp_path, port=port, quiet=True) as again:
        assert port_of(again.bootstrap) == port
        assert consume(again.client_options(), "kept", 1) == [b"value"]
    with pytest.raises(DataFolderError, match="holds a cluster of 1 broker"):
        LocalKafka(brokers=3, data_dir=tmp_path, quiet=True).start()


def test_a_temporary_folder_is_removed(plain: LocalKafka) -> None:
    """Not even a start that fails leaves something behind."""
    cluster = LocalKafka(config={"log.segment.bytes": "-1"}, quiet=True)
    with pytest.raises(BrokerDiedError, match=r"log\.segment\.bytes"):
        cluster.start()
    assert not cluster.folder.exists()
    assert plain.folder.exists()


@pytest.mark.long
def test_three_brokers_go_on_without_one() -> None:
    with LocalKafka(brokers=3, quiet=True) as cluster:
        assert len(cluster.bootstrap.split(",")) == len(cluster.logs()) == 3
        create_topic(cluster.client_options(), "replicated", replicas=3)
        produce(cluster.client_options(), "replicated", b"before")
        cluster.brokers[0].kill()
        produce(cluster.client_options(), "replicated", b"after")
        assert consume(cluster.client_options(), "replicated", 2) == [b"before", b"after"]


def test_a_taken_port_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"Port {port} .* is taken"):
            LocalKafka(port=port, quiet=True).start()
        assert main(["start", "--port", str(port)]) == 1
    assert f"Port {port} on {HOST} is taken" in capsys.readouterr().err


def test_a_folder_with_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(DataFolderError, match="is not empty"):
        LocalKafka(data_dir=tmp_path, quiet=True).start()


def test_an_external_cluster_is_used_instead(
    plain: LocalKafka, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP", plain.bootstrap)
    with local_or_external(brokers=3) as cluster:
        assert cluster.env() == {"KAFKA_BOOTSTRAP": plain.bootstrap}
        create_topic(cluster.client_options(), "external")
    assert main(["start"]) == 0
    assert f"using {plain.bootstrap}, starting nothing" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform != "linux", reason="other systems can't tie processes together")
def test_a_broker_dies_with_its_parent() -> None:
    program = (
        "from deploy.local import LocalKafka\n"
        "with LocalKafka(quiet=True) as cluster:\n"
        "    print(cluster.bootstrap, cluster.folder, flush=True)\n"
        "    input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        address, folder = parent.stdout.readline().split()
        assert accepts_connections(port_of(address))
        parent.kill()
    until(lambda: not accepts_connections(port_of(address)), "the port is closed", seconds=60.0)
    # Nobody was left to do it.
    shutil.rmtree(folder)


def test_the_command_runs_until_it_is_told_to_stop(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deploy.local", "start", "--secure", "--port", "0"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("KAFKA_")}
    with subprocess.Popen(
        [*command, "--data", str(tmp_path)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        said = [running.stdout.readline() for _ in range(3)]
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=90)
    assert running.returncode == 0, err
    env_file = tmp_path / "client.env"
    assert said[2] == f"  . {env_file}\n"
    assert env_file.stat().st_mode & 0o777 == 0o600
    settings = dict(line.removeprefix("export ").split("=", 1) for line in env_file.open())
    assert settings["KAFKA_SASL_USERNAME"] == "tally\n"
    assert settings["KAFKA_SASL_PASSWORD"].strip() not in "".join(said) + out + err
    assert "starting broker 1 of 1" in err
    assert not accepts_connections(port_of(settings["KAFKA_BOOTSTRAP"]))
