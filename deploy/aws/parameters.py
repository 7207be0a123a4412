"""What people give to a deployment, looked through before anything is made."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.aws.tools import DeployError, aws


def check(given: Mapping[str, str], template: Path) -> None:
    """Raise DeployError for a parameter that the template hasn't, or a value it doesn't allow.

    CloudFormation would refuse it, too, but only once images are built; it still sees to patterns
    and bounds.
    """
    body = f"file://{template}"
    summary = aws("cloudformation", "get-template-summary", "--template-body", body)
    known = {one["ParameterKey"]: one for one in summary["Parameters"]}
    for name, value in given.items():
        if name not in known:
            raise DeployError(f"there is no parameter {name}; {template} has them all")
        allowed = _allowed(known[name])
        if allowed and value not in allowed:
            raise DeployError(f"{name}={value} is refused. Allowed: {', '.join(allowed)}")


def _allowed(parameter: Mapping[str, Any]) -> list[str]:
    """Its values if it has a choice of them."""
    found: list[str] = parameter.get("ParameterConstraints", {}).get("AllowedValues", [])
    return found
