"""The CloudFormation templates as data, with the functions' long names."""

import functools
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2] / "deploy" / "cloudformation"
TEMPLATES = sorted(file.name for file in FOLDER.glob("*.yaml"))


class _Loader(yaml.SafeLoader):
    """Knows CloudFormation's tags."""


def _function(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix in {"Ref", "Condition"}:
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _function)


@functools.cache
def template(name: str) -> dict[str, Any]:
    """The template of that file."""
    return parsed((FOLDER / name).read_text(encoding="utf-8"))


def parsed(text: str) -> dict[str, Any]:
    """A template's text as data."""
    loaded = yaml.load(text, _Loader)
    assert isinstance(loaded, dict)
    return loaded


def strings(value: Any) -> list[str]:
    """All texts within a value."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []
