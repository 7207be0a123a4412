"""A deployment whose stacks are created in the emulator, as far as it has their resources.

What it doesn't have is left out, and references to that get the placeholders of `placeholders.py`.
All the rest, conditions and functions included, is the emulator's to resolve.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from tests.cloud.emulator import Emulator
from tests.cloud.evaluation import Stack
from tests.cloud.packaging import Packaged
from tests.cloud.placeholders import placeholder
from tests.polling import until

#: Types that ministack refuses. `Custom::` ones would need a Lambda that finds an MSK.
MISSING = {
    "AWS::ACMPCA::Certificate",
    "AWS::ACMPCA::CertificateAuthority",
    "AWS::ACMPCA::CertificateAuthorityActivation",
    "AWS::ACMPCA::Permission",
    "AWS::AppSync::Api",
    "AWS::AppSync::ChannelNamespace",
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::EC2::EIP",
    "AWS::EC2::FlowLog",
    "AWS::EC2::Instance",
    "AWS::EC2::NatGateway",
    "AWS::MSK::BatchScramSecret",
    "AWS::MSK::Cluster",
    "AWS::MSK::Configuration",
    "Custom::Brokers",
    "Custom::ClientCertificate",
    "Custom::RunTask",
}
CREATE_SECONDS = 300.0


class Emulated(Stack):
    """See the module. Stacks of nothing but nested ones aren't created themselves."""

    def __init__(
        self,
        emulator: Emulator,
        packaged: Packaged,
        name: str,
        file: str,
        parameters: Mapping[str, Any],
        exports: Mapping[str, str],
    ) -> None:
        super().__init__(name, file, parameters, exports)
        self._emulator = emulator
        self._packaged = packaged
        self.body = reduced(packaged[file])
        self._count()
        self.told: dict[str, str] = {}
        if self.body["Resources"]:
            self.told = create(emulator, name, self.body, self._as_texts())

    def child(self, name: str, file: str, parameters: Mapping[str, Any]) -> Stack:
        return Emulated(self._emulator, self._packaged, name, file, parameters, self._exports)

    def output(self, name: str) -> Any:
        return self.told[name] if name in self.told else super().output(name)

    def expected(self) -> set[str]:
        """The logical ids that there have to be."""
        return {id_ for id_ in self.body["Resources"] if self.is_made(id_)}

    def _count(self) -> None:
        # A parameter's number is a text to it, with which it can't count.
        for resource in self.body["Resources"].values():
            if resource["Type"] == "AWS::ECS::Service":
                properties = resource["Properties"]
                properties["DesiredCount"] = int(self.value(properties["DesiredCount"]))

    def _as_texts(self) -> dict[str, str]:
        values = self.parameters.items()
        return {
            name: ",".join(value) if isinstance(value, list) else str(value)
            for name, value in values
        }


def create(
    emulator: Emulator, name: str, body: Mapping[str, Any], parameters: Mapping[str, str]
) -> dict[str, str]:
    """Create a stack; returns its outputs."""
    cloudformation = emulator.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps(body),
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )

    def stack() -> Any:
        return cloudformation.describe_stacks(StackName=name)["Stacks"][0]

    def told() -> str:
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        failed = [e for e in events if "FAILED" in e["ResourceStatus"]]
        return "\n".join(f"{e['LogicalResourceId']}: {e['ResourceStatusReason']}" for e in failed)

    until(lambda: not stack()["StackStatus"].endswith("PROGRESS"), name, CREATE_SECONDS, told)
    assert stack()["StackStatus"] == "CREATE_COMPLETE", f"{name}: {told()}"
    return {o["OutputKey"]: o["OutputValue"] for o in stack().get("Outputs", [])}


def reduced(body: Mapping[str, Any]) -> dict[str, Any]:
    """A template without what the emulator doesn't have."""
    types = {id_: resource["Type"] for id_, resource in body["Resources"].items()}
    gone = {
        id_: type_
        for id_, type_ in types.items()
        if type_ in MISSING or type_ == "AWS::CloudFormation::Stack"
    }
    # It makes keys for an API that isn't there, and then doesn't know them.
    gone |= {
        id_: type_
        for id_, type_ in types.items()
        if type_ == "AWS::AppSync::ApiKey"
        and body["Resources"][id_]["Properties"]["ApiId"]["Fn::GetAtt"][0] in gone
    }
    resources = {
        id_: _without_references(resource, gone)
        for id_, resource in body["Resources"].items()
        if id_ not in gone
    }
    kept = {name: body[name] for name in ("Mappings", "Conditions") if name in body}
    # It knows few of the parameters that AWS publishes; their names do as well.
    kept["Parameters"] = {
        name: {**parameter, "Type": "String"} if "SSM" in parameter["Type"] else parameter
        for name, parameter in body.get("Parameters", {}).items()
    }
    outputs = _without_references(body.get("Outputs", {}), gone)
    return {**kept, "Resources": resources, "Outputs": outputs}


def _without_references(node: Any, gone: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_without_references(item, gone) for item in node]
    if isinstance(node, str):
        return _in_text(node, gone)
    if not isinstance(node, dict):
        return node
    if node.get("Ref") in gone:
        return placeholder(gone[node["Ref"]], node["Ref"], "Ref")
    attribute = node.get("Fn::GetAtt")
    if attribute and attribute[0] in gone:
        return placeholder(gone[attribute[0]], *attribute)
    return {
        key: _without_references(value, gone)
        for key, value in node.items()
        if not (key == "DependsOn" and value in gone)
    }


def _in_text(text: str, gone: Mapping[str, str]) -> str:
    def one(found: re.Match[str]) -> str:
        id_, _, attribute = found[1].partition(".")
        return placeholder(gone[id_], id_, attribute or "Ref") if id_ in gone else found[0]

    return re.sub(r"\$\{([^!}]+)\}", one, text)
