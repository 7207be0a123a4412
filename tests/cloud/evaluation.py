"""Templates evaluated as CloudFormation would, nested ones too, with placeholders for resources.

What doesn't resolve is an error: a parameter that nobody gives or takes, a reference to something
that isn't there or isn't made under these conditions, an export that is missing.
"""

import functools
import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.cloud.placeholders import PSEUDO, REGION, placeholder
from tests.cloud.templates import template

_NO_VALUE = object()
_VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}")


class UnresolvedError(Exception):
    """Something that CloudFormation would refuse."""


class Stack:
    """A template under parameters. `exports` are other stacks'."""

    def __init__(
        self,
        name: str,
        file: str,
        parameters: Mapping[str, Any],
        exports: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.file = file
        self.template = template(file)
        self.resources: Mapping[str, Any] = self.template["Resources"]
        self._exports = exports or {}
        self._nested: dict[str, Stack] = {}
        self.parameters = self._parameters(parameters)
        self._check_rules()

    @functools.cached_property
    def made(self) -> dict[str, Any]:
        """The resources that these parameters lead to, evaluated."""
        return {
            id_: {**resource, "Properties": self.value(resource.get("Properties", {}))}
            for id_, resource in self.resources.items()
            if self.is_made(id_)
        }

    def nested(self, logical_id: str) -> "Stack":
        """The stack of that resource."""
        if logical_id not in self._nested:
            properties = self.resources[logical_id]["Properties"]
            parameters = self.value(properties.get("Parameters", {}))
            name = f"{self.name}-{logical_id}"
            self._nested[logical_id] = self.child(name, properties["TemplateURL"], parameters)
        return self._nested[logical_id]

    def child(self, name: str, file: str, parameters: Mapping[str, Any]) -> "Stack":
        """A nested stack."""
        return Stack(name, file, parameters, self._exports)

    @property
    def outputs(self) -> dict[str, Any]:
        """Those that these parameters lead to."""
        return {id_: self.output(id_) for id_, out in self._outputs.items() if self._holds_for(out)}

    @property
    def exported(self) -> dict[str, Any]:
        """What other stacks may import, by its name."""
        return {
            self.value(out["Export"]["Name"]): self.value(out["Value"])
            for out in self._outputs.values()
            if "Export" in out and self._holds_for(out)
        }

    def all_stacks(self) -> Iterator["Stack"]:
        """This one and all below it."""
        yield self
        for id_, resource in self.resources.items():
            if resource["Type"] == "AWS::CloudFormation::Stack" and self.is_made(id_):
                yield from self.nested(id_).all_stacks()

    def is_made(self, logical_id: str) -> bool:
        return self._holds_for(self.resources[logical_id])

    def output(self, name: str) -> Any:
        out = self._outputs.get(name)
        if out is None or not self._holds_for(out):
            raise self._unresolved(f"it has no output {name}")
        return self.value(out["Value"])

    def condition(self, name: str) -> bool:
        conditions = self.template.get("Conditions", {})
        if name not in conditions:
            raise self._unresolved(f"there is no condition {name}")
        return bool(self.value(conditions[name]))

    def value(self, node: Any) -> Any:
        """A value of the template without functions. What is `AWS::NoValue` is left out."""
        if isinstance(node, list):
            items = [self.value(item) for item in node]
            return [item for item in items if item is not _NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((name, argument),) = node.items()
            if name == "Ref":
                return self._ref(argument)
            if name == "Condition" and isinstance(argument, str):
                return self.condition(argument)
            if name.startswith("Fn::"):
                return self._call(name.removeprefix("Fn::"), argument)
        items_ = {key: self.value(item) for key, item in node.items()}
        return {key: item for key, item in items_.items() if item is not _NO_VALUE}

    @property
    def _outputs(self) -> Mapping[str, Any]:
        outputs: Mapping[str, Any] = self.template.get("Outputs", {})
        return outputs

    def _parameters(self, given: Mapping[str, Any]) -> dict[str, Any]:
        declared = self.template.get("Parameters", {})
        if unknown := given.keys() - declared.keys():
            raise self._unresolved(f"it takes no {', '.join(sorted(unknown))}")
        values = {}
        for name, declaration in declared.items():
            if name not in given and "Default" not in declaration:
                raise self._unresolved(f"nobody gives {name}")
            value = str(given.get(name, declaration.get("Default")))
            allowed = [str(item) for item in declaration.get("AllowedValues", [value])]
            if value not in allowed:
                raise self._unresolved(f"{name} can't be {value!r}")
            is_list = "List" in declaration["Type"]
            values[name] = value.split(",") if is_list else value
        return values

    def _check_rules(self) -> None:
        for rule in self.template.get("Rules", {}).values():
            if self.value(rule.get("RuleCondition", True)):
                for assertion in rule["Assertions"]:
                    if not self.value(assertion["Assert"]):
                        raise self._unresolved(assertion["AssertDescription"])

    def _holds_for(self, part: Mapping[str, Any]) -> bool:
        return "Condition" not in part or self.condition(part["Condition"])

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in {"AWS::StackName", "AWS::StackId"}:
            return self.name
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            return self.parameters[name]
        return placeholder(self._resource(name)["Type"], name, "Ref")

    def _get_att(self, name: str, attribute: str) -> Any:
        type_ = self._resource(name)["Type"]
        if type_ == "AWS::CloudFormation::Stack":
            return self.nested(name).output(attribute.removeprefix("Outputs."))
        return placeholder(type_, name, attribute)

    def _resource(self, name: str) -> Mapping[str, Any]:
        if name not in self.resources:
            raise self._unresolved(f"there is no {name}")
        if not self.is_made(name):
            raise self._unresolved(f"{name} isn't made under these conditions")
        resource: Mapping[str, Any] = self.resources[name]
        return resource

    def _call(self, function: str, argument: Any) -> Any:
        if function == "If":
            name, yes, no = argument
            return self.value(yes if self.condition(name) else no)
        if function == "GetAtt":
            return self._get_att(*argument)
        if function == "Sub":
            return self._sub(argument)
        value = self.value(argument)
        match function:
            case "Equals":
                return str(value[0]) == str(value[1])
            case "Not":
                return not value[0]
            case "And":
                return all(value)
            case "Or":
                return any(value)
            case "Join":
                return value[0].join(map(str, value[1]))
            case "Split":
                return value[1].split(value[0])
            case "Select":
                return value[1][int(value[0])]
            case "GetAZs":
                return [f"{REGION}{zone}" for zone in "abc"]
            case "Cidr":
                network = ipaddress.ip_network(value[0])
                subnets = network.subnets(new_prefix=32 - int(value[2]))
                return [str(next(subnets)) for _ in range(int(value[1]))]
            case "FindInMap":
                return self.template["Mappings"][value[0]][value[1]][value[2]]
            case "Base64":
                return value
            case "ImportValue":
                if value not in self._exports:
                    raise self._unresolved(f"nobody exports {value}")
                return self._exports[value]
        raise NotImplementedError(function)

    def _sub(self, argument: Any) -> str:
        text, extra = (argument, {}) if isinstance(argument, str) else argument
        known = {name: self.value(value) for name, value in extra.items()}

        def one(found: re.Match[str]) -> str:
            name = found[1]
            if name in known:
                return str(known[name])
            if "." in name:
                return str(self._get_att(*name.split(".", 1)))
            return str(self._ref(name))

        return _VARIABLE.sub(one, text).replace("${!", "${")

    def _unresolved(self, what: str) -> UnresolvedError:
        return UnresolvedError(f"{self.name} ({self.file}): {what}")
