"""Alerts and dashboard name only what is really exported, and each alert is explained."""

import re

import pytest
from prometheus_client import REGISTRY

from streams import metrics
from streams.settings import Settings, describe
from tests.monitoring.files import FOLDER, alerts, dashboard, panels, queries
from tests.monitoring.promql import Use, grouped_by, uses

EXPRESSIONS = {**{name: rule["expr"] for name, rule in alerts().items()}, **queries()}
OPERATIONS = FOLDER.parent / "OPERATIONS.md"
#: What Prometheus adds to all it scrapes.
SCRAPED = {"job", "instance"}


def exported() -> dict[str, set[str]]:
    """Every sample's name with its labels. Those of the process are prometheus-client's."""
    labels = {
        f"{metric._name}": set(metric._labelnames)
        for metric in vars(metrics).values()
        if hasattr(metric, "_labelnames")
    }
    found = {"up": set[str]()}
    for family in REGISTRY.collect():
        ours = labels.get(family.name, set())
        match family.type:
            case "counter":
                found[f"{family.name}_total"] = ours
            case "histogram":
                found |= {f"{family.name}_{part}": ours for part in ("sum", "count")}
                found[f"{family.name}_bucket"] = ours | {"le"}
            case _:
                found[family.name] = ours
    return found


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_each_metric_and_label_is_exported(name: str) -> None:
    known = exported()
    used = uses(EXPRESSIONS[name])
    assert used
    labels = set(SCRAPED)
    for use in used:
        assert use.metric in known, f"{use.metric} isn't exported"
        assert use.labels <= known[use.metric] | SCRAPED, use
        labels |= known[use.metric]
    assert grouped_by(EXPRESSIONS[name]) <= labels


def test_each_metric_of_ours_is_on_the_dashboard() -> None:
    shown = {use.metric for query in queries().values() for use in uses(query)}
    families = {name.removesuffix("_bucket").removesuffix("_total") for name in shown}
    ours = {metric._name for metric in vars(metrics).values() if hasattr(metric, "_labelnames")}
    assert ours <= families


@pytest.mark.parametrize("name", alerts())
def test_each_alert_is_explained(name: str) -> None:
    assert f"| `{name}` |" in OPERATIONS.read_text(encoding="utf-8")
    assert alerts()[name]["labels"]["severity"] in {"critical", "warning"}


def test_the_dashboard_is_sound() -> None:
    ids = [panel["id"] for panel in panels()]
    assert len(set(ids)) == len(ids)
    source = (FOLDER / "grafana/provisioning/datasources/prometheus.yml").read_text("utf-8")
    for panel in panels():
        for target in panel.get("targets", ()):
            assert f"uid: {target['datasource']['uid']}\n" in source
    assert [one["name"] for one in dashboard()["templating"]["list"]] == ["instance"]


def test_an_expression_is_taken_apart() -> None:
    text = 'sum by (a, le) (rate(x_bucket{b="c{", d=~"e"}[5m])) / y unless on (f) (z > 1)'
    assert uses(text) == {
        Use("x_bucket", frozenset({"b", "d"})),
        Use("y", frozenset()),
        Use("z", frozenset()),
    }
    assert grouped_by(text) == {"a", "le", "f"}


def test_the_operations_guide_names_settings_that_exist() -> None:
    named = set(re.findall(r"STREAMS_\w+", OPERATIONS.read_text(encoding="utf-8")))
    assert named
    assert named <= {row.name for row in describe(Settings())}
