"""Prometheus accepts the shipped configuration, and each alert fires when it should."""

import subprocess

import yaml

from tests.monitoring.files import ALERTS, FOLDER, PROMETHEUS, alerts
from tests.monitoring.prometheus import needed

TESTS = FOLDER / "alerts.test.yml"


def promtool(*arguments: str) -> None:
    done = subprocess.run(
        [needed("promtool"), *arguments], cwd=FOLDER, capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_configuration_is_accepted() -> None:
    promtool("check", "config", PROMETHEUS.name)
    promtool("check", "rules", ALERTS.name)


def test_each_alert_fires_when_it_should() -> None:
    promtool("test", "rules", TESTS.name)


def test_each_alert_is_tried() -> None:
    tests = yaml.safe_load(TESTS.read_text(encoding="utf-8"))["tests"]
    fired = {
        case["alertname"]
        for test in tests
        for case in test["alert_rule_test"]
        if case["exp_alerts"]
    }
    assert fired == alerts().keys()
