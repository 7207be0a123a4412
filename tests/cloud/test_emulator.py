"""The deploying program and the templates, against an AWS that can be had here.

`aws` is the real command line, in the version for pip; `docker` only notes what it is asked for.
"""

import io
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.aws import cli, images, parameters, stacks
from deploy.aws.tools import DeployError
from tests.cloud.deployments import DEPLOYMENTS, IMAGES, deployment
from tests.cloud.deployments import base as base_stack
from tests.cloud.emulation import MISSING, Emulated
from tests.cloud.emulator import Emulator, running
from tests.cloud.existence import LOOKS, is_there
from tests.cloud.packaging import Packaged, packaged
from tests.cloud.programs import DOCKER, install
from tests.cloud.templates import TEMPLATES, template

pytestmark = pytest.mark.long

#: Policies within roles, which have no id that could be looked for.
NAMELESS = {"AWS::IAM::Policy"}

#: Those that make every resource between them.
CREATED = ("tls", "scram", "iam by endpoints", "tls with a CA")


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("emulator")) as emulator:
        yield emulator


@pytest.fixture(autouse=True, scope="module")
def environment(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Leads `aws` to the emulator, and `docker` to notes, whose file this is."""
    folder = tmp_path_factory.mktemp("bin")
    install(folder, "docker", DOCKER)
    path = os.pathsep.join([str(folder), str(Path(sys.executable).parent), os.environ["PATH"]])
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in emulator.variables.items():
            patch.setenv(name, value)
        patch.setenv("PATH", path)
        patch.setenv("NOTES", str(folder / "notes"))
        yield folder / "notes"


@pytest.fixture(scope="module")
def base(environment: Path) -> dict[str, str]:
    assert environment
    return stacks.deploy_base("tally")


@pytest.fixture(scope="module")
def bodies(
    emulator: Emulator, base: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Packaged:
    return packaged(emulator, base, tmp_path_factory.mktemp("packaged"))


def _assert_there(emulator: Emulator, stack: str, expected: dict[str, str]) -> None:
    """Each logical id, with its type, is complete and known to its service."""
    cloudformation = emulator.client("cloudformation")
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    found = {
        resource["LogicalResourceId"]: resource
        for page in pages
        for resource in page["StackResourceSummaries"]
    }
    assert {id_: resource["ResourceType"] for id_, resource in found.items()} == expected
    for id_, resource in found.items():
        assert resource["ResourceStatus"] == "CREATE_COMPLETE", id_
        where = f"{stack}: {id_} ({resource['ResourceType']})"
        kind, physical_id = resource["ResourceType"], resource["PhysicalResourceId"]
        assert is_there(emulator, kind, physical_id), where
        # Whoever looks for something else doesn't find it.
        assert not is_there(emulator, kind, _other(physical_id)) or kind in NAMELESS, where


def _other(physical_id: str) -> str:
    """An id of the same form that nothing has: each of its parts ends differently."""
    return re.sub(r"\w(?=\W*([/|]|$))", lambda end: "0" if end[0] == "1" else "1", physical_id)


def test_what_is_there_before(emulator: Emulator, base: dict[str, str]) -> None:
    resources = template("base.yaml")["Resources"]
    types = {id_: resource["Type"] for id_, resource in resources.items()}
    _assert_there(emulator, "tally-base", types)
    assert stacks.deploy_base("tally") == base


def test_nothing_is_left_out_that_the_emulator_has() -> None:
    resources = {
        (name, id_): resource["Type"]
        for name in TEMPLATES
        for id_, resource in template(name)["Resources"].items()
        if resource["Type"] != "AWS::CloudFormation::Stack"
    }
    assert set(resources.values()) == MISSING | LOOKS.keys()
    stacks_ = [base_stack(), *(s for name in CREATED for s in deployment(name).all_stacks())]
    created = {(stack.file, id_) for stack in stacks_ for id_ in stack.made}
    assert created >= resources.keys()


@pytest.mark.parametrize("name", CREATED)
def test_deployments(emulator: Emulator, base: dict[str, str], bodies: Packaged, name: str) -> None:
    exports = {
        export["Name"]: export["Value"]
        for export in emulator.client("cloudformation").list_exports()["Exports"]
    }
    assert base["Key"] in exports.values()
    given: dict[str, Any] = {**IMAGES, "BaseStack": "tally-base", **DEPLOYMENTS[name]}
    if "HostedZone" in given:
        given["HostedZone"] = _zone(emulator)
    short = name.replace(" ", "-")
    if "DomainName" in given:
        given["DomainName"] = f"{short}.example.org"
    main = Emulated(emulator, bodies, short, "main.yaml", given, exports)
    created = 0
    for stack in main.all_stacks():
        assert isinstance(stack, Emulated)
        if stack.body["Resources"]:
            types = {id_: stack.resources[id_]["Type"] for id_ in stack.expected()}
            _assert_there(emulator, stack.name, types)
            created += len(types)
    assert created > 50


def _zone(emulator: Emulator) -> str:
    route53 = emulator.client("route53")
    zones = route53.list_hosted_zones()["HostedZones"]
    if not zones:
        made = route53.create_hosted_zone(Name="example.org", CallerReference="1")
        return str(made["HostedZone"]["Id"].rpartition("/")[2])
    return str(zones[0]["Id"].rpartition("/")[2])


def test_parameters_are_those_of_the_template() -> None:
    parameters.check({"Workers": "3", "KafkaAccess": "iam"}, stacks.MAIN)
    with pytest.raises(DeployError, match="no parameter Nonsense"):
        parameters.check({"Nonsense": "3"}, stacks.MAIN)


def test_images_are_pushed(base: dict[str, str], environment: Path) -> None:
    environment.unlink(missing_ok=True)
    pushed = images.push_images(base)
    ours = f"{base['Repository']}:0123456789abcdef0123"
    agent = f"{base['AgentRepository']}:{images.AGENT_VERSION}"
    assert pushed == {"Image": ours, "AgentImage": agent}
    said = environment.read_text()
    for line in (f"push {ours}", f"pull --platform linux/amd64 {images.AGENT}", f"push {agent}"):
        assert line in said
    assert "login --username AWS --password-stdin" in said


def test_a_secret_is_put(
    emulator: Emulator, base: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("secret text\n"))
    assert cli.main(["secret", "tally", "bearer-token"]) == 0
    secrets = emulator.client("secretsmanager")
    assert secrets.get_secret_value(SecretId=base["BearerToken"])["SecretString"] == "secret text"


def test_everything_is_removed(emulator: Emulator) -> None:
    base = stacks.deploy_base("gone")
    s3 = emulator.client("s3")
    # Together their names are longer than an argument may be.
    keys = [f"twitter_output/{n:0>900}" for n in range(160)]
    for key in keys:
        s3.put_object(Bucket=base["Archive"], Key=key, Body=b"1")
    s3.delete_object(Bucket=base["Archive"], Key=keys[0])
    assert cli.main(["remove", "gone"]) == 0
    assert stacks.outputs("gone-base") == base
    assert cli.main(["remove", "gone", "--everything"]) == 0
    assert stacks.outputs("gone-base") == {}
    left = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    assert not {base["Archive"], base["Artifacts"], base["Logs"]} & set(left)
