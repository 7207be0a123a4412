"""All that templates refer to is there, under whatever parameters."""

import json
import re

import pytest

from deploy.aws.images import PLATFORM
from tests.cloud.deployments import DEPLOYMENTS, base, deployment
from tests.cloud.evaluation import Stack, UnresolvedError
from tests.cloud.templates import TEMPLATES, strings, template


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_everything_resolves(name: str) -> None:
    for stack in deployment(name).all_stacks():
        assert stack.made
        assert stack.outputs is not None


def test_what_is_there_before_resolves() -> None:
    assert base().made
    assert base().outputs


def test_deployments_take_each_way() -> None:
    made: dict[str, set[str]] = {name: set() for name in TEMPLATES}
    ways: dict[tuple[str, str], set[bool]] = {}
    for stack in _all_stacks():
        made[stack.file] |= stack.made.keys()
        for condition in stack.template.get("Conditions", {}):
            ways.setdefault((stack.file, condition), set()).add(stack.condition(condition))
    for name in TEMPLATES:
        assert made[name] == template(name)["Resources"].keys(), name
    one_way = {key for key, seen in ways.items() if len(seen) < 2}
    assert not one_way


def test_nothing_is_handed_over_in_vain() -> None:
    used: dict[str, set[str]] = {}
    for name in TEMPLATES:
        body = template(name)
        text = json.dumps({key: part for key, part in body.items() if key != "Parameters"})
        for parameter in body.get("Parameters", {}):
            is_used = f'"Ref": "{parameter}"' in text or f"${{{parameter}}}" in text
            assert is_used, (name, parameter)
        for id_, resource in body["Resources"].items():
            if resource["Type"] == "AWS::CloudFormation::Stack":
                nested = resource["Properties"]["TemplateURL"]
                found = re.findall(rf'"{id_}", "Outputs\.(\w+)"', text)
                used.setdefault(nested, set()).update(found)
    for nested, outputs in used.items():
        assert outputs == template(nested).get("Outputs", {}).keys(), nested


def test_dependencies_are_there() -> None:
    for stack in _all_stacks():
        for id_, resource in stack.made.items():
            depends = resource.get("DependsOn", [])
            for other in [depends] if isinstance(depends, str) else depends:
                assert stack.is_made(other), (stack.file, id_)


def test_all_that_run_our_image_have_its_processor() -> None:
    assert PLATFORM == "linux/amd64"
    task, client = template("task.yaml"), template("client.yaml")
    platform = task["Resources"]["Task"]["Properties"]["RuntimePlatform"]
    assert platform["CpuArchitecture"] == "X86_64"
    assert client["Parameters"]["Ami"]["Default"].endswith("-x86_64")


def test_exports_are_imported() -> None:
    texts = strings(template("main.yaml"))
    imported = {
        name
        for export in base().exported
        for name in [export.removeprefix("tally-base-")]
        if any(f"${{BaseStack}}-{name}" in text for text in texts)
    }
    assert {f"tally-base-{name}" for name in imported} == base().exported.keys()


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"Ingest": "http"}, "DomainName"),
        ({"DomainName": "tally.example.org"}, "HostedZone"),
        ({"AppSync": "typed", "Egress": "endpoints"}, "Egress"),
        ({"Producer": "bluesky", "Egress": "endpoints"}, "Egress"),
        ({"LogRecords": "true", "KafkaAccess": "unauthenticated"}, "KafkaAccess"),
        ({"Job": "tickers"}, "Producer"),
        ({"Producer": "tickers"}, "Job"),
        ({"KafkaAccess": "kerberos"}, "KafkaAccess"),
        ({"Wrokers": "3"}, "Wrokers"),
    ],
)
def test_what_can_not_work_is_refused(parameters: dict[str, str], reason: str) -> None:
    given = {"BaseStack": "tally-base", "Image": "i", "AgentImage": "a", **parameters}
    with pytest.raises(UnresolvedError, match=reason):
        Stack("tally", "main.yaml", given, base().exported)


def _all_stacks() -> list[Stack]:
    return [base(), *(s for name in DEPLOYMENTS for s in deployment(name).all_stacks())]
