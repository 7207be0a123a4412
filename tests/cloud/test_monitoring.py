"""Dashboards, alarms and scaling look at metrics that are really there."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest
import yaml
from prometheus_client import REGISTRY

from streams import metrics
from streams.transport.slot import Status
from tests.cloud.deployments import DEPLOYMENTS, deployment
from tests.cloud.evaluation import Stack
from tests.cloud.tasks import tasks

OURS = "Tally/tally"


class Metric(NamedTuple):
    """A metric that something looks at."""

    namespace: str
    name: str
    dimensions: dict[str, str]


def _exported() -> dict[str, tuple[str, ...]]:
    """The labels of each metric, by the name under which Prometheus finds it."""
    labels: dict[str, tuple[str, ...]] = {}
    for value in vars(metrics).values():
        if hasattr(value, "_labelnames"):
            for family in REGISTRY.collect():
                if family.name == value._name:
                    suffix = "_total" if family.type == "counter" else ""
                    labels[family.name + suffix] = tuple(value._labelnames)
    return labels


def _agents() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Each agent's kind of task, and what it is told of Prometheus and of CloudWatch."""
    for name in DEPLOYMENTS:
        for task in tasks(deployment(name)):
            containers = task.stack.made["Task"]["Properties"]["ContainerDefinitions"]
            for agent in containers[1:]:
                given = {entry["Name"]: entry["Value"] for entry in agent["Environment"]}
                scrape = yaml.safe_load(given["PROMETHEUS_CONFIG_CONTENT"])
                yield task.kind, scrape, json.loads(given["CW_CONFIG_CONTENT"])


def _declared() -> dict[str, set[frozenset[str]]]:
    """The dimensions under which agents report each metric."""
    declared: dict[str, set[frozenset[str]]] = {}
    for _, _, agent in _agents():
        emf = agent["logs"]["metrics_collected"]["prometheus"]["emf_processor"]
        assert emf["metric_namespace"] == OURS
        for declaration in emf["metric_declaration"]:
            for selector in declaration["metric_selectors"]:
                name = re.fullmatch(r"\^(\w+)\$", selector)
                assert name is not None
                dimensions = declared.setdefault(name[1], set())
                dimensions.update(frozenset(item) for item in declaration["dimensions"])
    return declared


def test_agents_report_what_is_exported() -> None:
    exported = _exported()
    for name, dimensions in _declared().items():
        assert name in exported
        for item in dimensions:
            assert item <= {"service", *exported[name]}


def test_agents_ask_the_port_that_is_served() -> None:
    kinds = set()
    for kind, scrape, agent in _agents():
        (job,) = scrape["scrape_configs"]
        (targets,) = job["static_configs"]
        assert targets["labels"] == {"service": kind}
        assert targets["targets"] == ["127.0.0.1:6067" if kind == "ingest" else "127.0.0.1:6066"]
        emf = agent["logs"]["metrics_collected"]["prometheus"]["emf_processor"]
        assert all(job["job_name"] in d["label_matcher"] for d in emf["metric_declaration"])
        kinds.add(kind)
    assert kinds == {"worker", "gateway", "ingest", "archive"}


def _looked_at(stack: Stack) -> Iterator[Metric]:
    for resource in stack.made.values():
        properties = resource["Properties"]
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            yield Metric(
                properties["Namespace"],
                properties["MetricName"],
                {d["Name"]: d["Value"] for d in properties["Dimensions"]},
            )
        elif resource["Type"] == "AWS::CloudWatch::Dashboard":
            yield from _of_dashboard(json.loads(properties["DashboardBody"]))
        elif resource["Type"] == "AWS::ApplicationAutoScaling::ScalingPolicy":
            yield from _of_scaling(properties["TargetTrackingScalingPolicyConfiguration"])


def _of_dashboard(body: Mapping[str, Any]) -> Iterator[Metric]:
    for widget in body["widgets"]:
        for metric in widget["properties"]["metrics"]:
            texts = [item for item in metric if isinstance(item, str)]
            if texts:
                namespace, name, *pairs = texts
                yield Metric(namespace, name, dict(zip(pairs[::2], pairs[1::2], strict=True)))


def _of_scaling(configuration: Mapping[str, Any]) -> Iterator[Metric]:
    for query in configuration.get("CustomizedMetricSpecification", {}).get("Metrics", []):
        if "MetricStat" in query:
            metric = query["MetricStat"]["Metric"]
            dimensions = {d["Name"]: d["Value"] for d in metric["Dimensions"]}
            yield Metric(metric["Namespace"], metric["MetricName"], dimensions)


@pytest.fixture(scope="module")
def looked_at() -> list[Metric]:
    stacks = [stack for name in DEPLOYMENTS for stack in deployment(name).all_stacks()]
    return [metric for stack in stacks for metric in _looked_at(stack)]


def test_our_metrics_are_reported(looked_at: list[Metric]) -> None:
    declared = _declared()
    ours = [metric for metric in looked_at if metric.namespace == OURS]
    assert ours
    for metric in ours:
        assert frozenset(metric.dimensions) in declared[metric.name], metric
        if "state" in metric.dimensions:
            assert metric.dimensions["state"] in {status.value for status in Status}
        assert metric.dimensions["service"] in {"worker", "gateway"}


def test_all_that_is_reported_is_looked_at(looked_at: list[Metric]) -> None:
    assert _declared().keys() == {metric.name for metric in looked_at if metric.namespace == OURS}


#: What others report, by their documentation: each metric's dimensions.
THEIRS = {
    "AWS/Kafka": {
        "SumOffsetLag": {"Cluster Name", "Consumer Group", "Topic"},
        "UnderReplicatedPartitions": {"Cluster Name", "Broker ID"},
        "KafkaDataLogsDiskUsed": {"Cluster Name", "Broker ID"},
        "OfflinePartitionsCount": {"Cluster Name"},
        "CpuUser": {"Cluster Name", "Broker ID"},
        "BytesInPerSec": {"Cluster Name", "Broker ID"},
        "BytesOutPerSec": {"Cluster Name", "Broker ID"},
    },
    "ECS/ContainerInsights": {"RunningTaskCount": {"ClusterName", "ServiceName"}},
    "AWS/ApplicationELB": {
        "HTTPCode_Target_5XX_Count": {"LoadBalancer"},
        "HTTPCode_ELB_5XX_Count": {"LoadBalancer"},
    },
}


def test_metrics_of_others_are_known(looked_at: list[Metric]) -> None:
    theirs = [metric for metric in looked_at if metric.namespace != OURS]
    for metric in theirs:
        assert set(metric.dimensions) == THEIRS[metric.namespace][metric.name]
    groups = {m.dimensions["Consumer Group"] for m in theirs if "Consumer Group" in m.dimensions}
    assert groups == {"tally"}


def test_each_alarm_is_told() -> None:
    for stack in deployment("tls").all_stacks():
        for id_, resource in stack.made.items():
            if resource["Type"] == "AWS::CloudWatch::Alarm":
                assert resource["Properties"]["AlarmActions"], id_
                assert resource["Properties"]["AlarmDescription"], id_
