"""What roles are allowed, by the policies of a stack."""

import fnmatch
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tests.cloud.deployments import deployment
from tests.cloud.evaluation import Stack
from tests.cloud.placeholders import placeholder


class Allowed(NamedTuple):
    """An action on a resource, either of them perhaps a pattern."""

    action: str
    resource: str


def statements(policy: Mapping[str, Any]) -> Iterator[Allowed]:
    """What a policy allows."""
    for statement in _listed(policy["Statement"]):
        assert statement["Effect"] == "Allow"
        for action in _listed(statement["Action"]):
            for resource in _listed(statement["Resource"]):
                yield Allowed(action, resource)


def rights(stack: Stack, role: str) -> list[Allowed]:
    """What a role is allowed by its own policies, and by those of its stack that it names."""
    properties = stack.made[role]["Properties"]
    policies = list(properties.get("Policies", []))
    own = placeholder("AWS::IAM::Role", role, "Ref")
    for id_, resource in stack.made.items():
        type_, policy = resource["Type"], resource["Properties"]
        named = type_ == "AWS::IAM::ManagedPolicy" and placeholder(type_, id_, "Ref") in (
            properties.get("ManagedPolicyArns", [])
        )
        if named or (type_ == "AWS::IAM::Policy" and own in policy["Roles"]):
            policies.append(policy)
    return [allowed for policy in policies for allowed in statements(policy["PolicyDocument"])]


def allows(given: list[Allowed], action: str, resource: str) -> bool:
    return any(
        fnmatch.fnmatchcase(action, allowed.action)
        and fnmatch.fnmatchcase(resource, allowed.resource)
        for allowed in given
    )


def stack_of(name: str, file: str, **parameters: str) -> Stack:
    """The stack of a deployment that comes of this template, with these parameters."""
    (found,) = (
        stack
        for stack in deployment(name).all_stacks()
        if stack.file == file and parameters.items() <= stack.parameters.items()
    )
    return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
