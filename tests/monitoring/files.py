"""The files under `deploy/monitoring`, and the expressions in them."""

import json
from pathlib import Path
from typing import Any

import yaml

import deploy

FOLDER = Path(deploy.__file__).parent / "monitoring"
ALERTS = FOLDER / "alerts.yml"
PROMETHEUS = FOLDER / "prometheus.yml"
DASHBOARD = FOLDER / "grafana" / "dashboards" / "tally.json"


def alerts() -> dict[str, dict[str, Any]]:
    """Each alert's rule by its name."""
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def panels() -> list[dict[str, Any]]:
    """The dashboard's panels, rows included."""
    found: list[dict[str, Any]] = dashboard()["panels"]
    return found


def dashboard() -> dict[str, Any]:
    """The dashboard."""
    content: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return content


def queries() -> dict[str, str]:
    """Each query of the dashboard, by its panel's title and its own letter."""
    return {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in panels()
        for target in panel.get("targets", ())
    }
