"""The compose file can't be run without a Docker engine; but what it says is looked through."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import deploy
from producers import cli as producers_cli
from streams.settings import Settings

FOLDER = Path(deploy.__file__).parent
CONTENT: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = CONTENT["services"]
OURS = [name for name, service in SERVICES.items() if service["image"] == "tally"]


def test_all_parts_are_there() -> None:
    assert sorted(OURS) == ["gateway", "producer", "worker-1", "worker-2"]
    assert SERVICES.keys() - OURS == {"kafka", "prometheus", "grafana"}


@pytest.mark.parametrize("name", OURS)
def test_our_containers_have_no_rights_and_time_to_stop(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["stop_grace_period"] == "30s"


@pytest.mark.parametrize("name", OURS)
def test_settings_exist_and_fit(name: str) -> None:
    environ = {**SERVICES[name]["environment"], "STREAMS_WEB_HOST": "0.0.0.0"}
    assert all(isinstance(value, str) for value in environ.values())
    settings = Settings.from_env(environ)
    assert settings.kafka.bootstrap == ("kafka:9092",)
    if name.startswith("worker"):
        assert settings.instance_id == name
        assert settings.advertised_url == f"http://{name}:{settings.web_port}"
        assert SERVICES[name]["volumes"] == [f"{name}:/data"]


def test_commands_exist() -> None:
    source, *options = SERVICES["producer"]["command"][1:]
    assert SERVICES["producer"]["command"][0] == "tally-produce"
    assert producers_cli._parser().parse_args([source, *options])
    assert SERVICES["gateway"]["command"] == ["tally", "gateway"]
    assert SERVICES["worker-1"]["command"] == ["tally", "worker"]


def test_the_gateway_knows_the_workers() -> None:
    settings = Settings.from_env(SERVICES["gateway"]["environment"])
    workers = [name for name in OURS if name.startswith("worker")]
    assert [str(url).rstrip("/") for url in settings.queries.workers] == [
        f"http://{name}:{settings.web_port}" for name in workers
    ]


def test_prometheus_scrapes_all_that_serve() -> None:
    scraped = yaml.safe_load((FOLDER / "monitoring/prometheus.yml").read_text(encoding="utf-8"))
    targets = {
        target
        for job in scraped["scrape_configs"]
        for config in job["static_configs"]
        for target in config["targets"]
    }
    assert targets == {f"{name}:{Settings().web_port}" for name in OURS if name != "producer"}


def test_volumes_and_mounted_files_exist() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (FOLDER / source).exists(), source
            else:
                assert source in CONTENT["volumes"], source


def test_only_loopback_is_served_and_versions_are_pinned() -> None:
    for name, service in SERVICES.items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
        if name not in OURS:
            assert re.search(r":v?\d+\.\d+\.\d+$", service["image"]), service["image"]
