"""The two stacks of a deployment: what is there before it, and all the rest."""

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.aws.tools import DeployError, aws, aws_aloud

TEMPLATES = Path(__file__).parent.parent / "cloudformation"
#: The template whose parameters people give.
MAIN = TEMPLATES / "main.yaml"

#: The longest life of an API key of AppSync; each deployment begins it anew.
API_KEY_SECONDS = 365 * 24 * 3600
_HOUR_S = 3600

#: How long a stack may take to go: brokers take half an hour.
DELETE_SECONDS = 2 * _HOUR_S
PAUSE_SECONDS = 5


def base_name(name: str) -> str:
    """The stack of base.yaml."""
    return f"{name}-base"


def deploy_base(name: str) -> dict[str, str]:
    """Make or change it; returns its outputs."""
    _deploy(base_name(name), TEMPLATES / "base.yaml")
    return outputs(base_name(name))


def deploy_main(name: str, base: Mapping[str, str], parameters: Mapping[str, str]) -> None:
    """Upload what main.yaml refers to, and make or change its stack."""
    with tempfile.TemporaryDirectory() as folder:
        packaged = Path(folder) / "main.yaml"
        package(base, packaged)
        expires = int(time.time() + API_KEY_SECONDS) // _HOUR_S * _HOUR_S
        given = {"BaseStack": base_name(name), "ApiKeyExpires": str(expires), **parameters}
        _deploy(name, packaged, *_uploads(base), *_overrides(given))


def package(base: Mapping[str, str], packaged: Path) -> None:
    """Upload nested templates, functions, schemas and resolvers; `packaged` is main.yaml then."""
    main = ["--template-file", str(MAIN)]
    out = ["--output-template-file", str(packaged)]
    aws_aloud("cloudformation", "package", *main, *_uploads(base), *out)


def outputs(stack: str) -> dict[str, str]:
    """What a stack tells; nothing if there is no such stack."""
    found = _described(stack).get("Outputs", [])
    return {output["OutputKey"]: output["OutputValue"] for output in found}


def delete(stack: str) -> None:
    """Delete a stack and wait until it is gone. Raises DeployError if something of it stays."""
    aws("cloudformation", "delete-stack", "--stack-name", stack)
    deadline = time.monotonic() + DELETE_SECONDS
    while found := _described(stack):
        if found["StackStatus"] == "DELETE_FAILED":
            reason = found.get("StackStatusReason", "see its events")
            raise DeployError(f"{stack} can't be deleted: {reason}")
        if time.monotonic() > deadline:
            raise DeployError(f"{stack} is {found['StackStatus']} after {DELETE_SECONDS} s")
        time.sleep(PAUSE_SECONDS)


def _described(stack: str) -> dict[str, Any]:
    """What there is to say of a stack; nothing if there is no such stack."""
    try:
        described = aws("cloudformation", "describe-stacks", "--stack-name", stack)
    except DeployError as exc:
        if "does not exist" in str(exc):
            return {}
        raise
    found: dict[str, Any] = described["Stacks"][0]
    return found


def _uploads(base: Mapping[str, str]) -> list[str]:
    return ["--s3-bucket", base["Artifacts"], "--kms-key-id", base["Key"]]


def _deploy(stack: str, template: Path, *options: str) -> None:
    aws_aloud(
        *("cloudformation", "deploy", "--stack-name", stack, "--template-file", str(template)),
        *("--capabilities", "CAPABILITY_IAM", "--no-fail-on-empty-changeset", *options),
    )


def _overrides(parameters: Mapping[str, str]) -> list[str]:
    return ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]
