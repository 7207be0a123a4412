"""The images that tasks run, in the repositories of base.yaml."""

import base64
import tempfile
from collections.abc import Mapping
from pathlib import Path

from deploy.aws.tools import DeployError, aws, docker

CONTEXT = Path(__file__).parent.parent.parent

#: CloudWatch's agent, copied so that tasks need no other registry.
AGENT = "public.ecr.aws/cloudwatch-agent/cloudwatch-agent"
AGENT_VERSION = "1.300056.0b1123"

#: Fargate's processors, as in task.yaml.
PLATFORM = "linux/amd64"


def push_images(base: Mapping[str, str]) -> dict[str, str]:
    """Build ours, fetch the agent, and push what isn't there; returns main.yaml's parameters."""
    _log_in(base["Repository"])
    built = _build()
    ours = f"{base['Repository']}:{built.removeprefix('sha256:')[:20]}"
    agent = f"{base['AgentRepository']}:{AGENT_VERSION}"
    if not _is_there(ours):
        docker("tag", built, ours)
        docker("push", ours)
    if not _is_there(agent):
        docker("pull", "--platform", PLATFORM, f"{AGENT}:{AGENT_VERSION}")
        docker("tag", f"{AGENT}:{AGENT_VERSION}", agent)
        docker("push", agent)
    return {"Image": ours, "AgentImage": agent}


def _build() -> str:
    """The id of the image, which is the digest of what it holds."""
    with tempfile.TemporaryDirectory() as folder:
        name = Path(folder) / "id"
        docker("build", "--platform", PLATFORM, "--iidfile", str(name), str(CONTEXT))
        return name.read_text().strip()


def _log_in(repository: str) -> None:
    given = aws("ecr", "get-authorization-token")["authorizationData"][0]["authorizationToken"]
    password = base64.b64decode(given).decode().partition(":")[2]
    host = repository.partition("/")[0]
    docker("login", "--username", "AWS", "--password-stdin", host, stdin=password)


def _is_there(image: str) -> bool:
    path, _, tag = image.partition("/")[2].rpartition(":")
    wanted = ["--repository-name", path, "--image-ids", f"imageTag={tag}"]
    try:
        return bool(aws("ecr", "describe-images", *wanted)["imageDetails"])
    except DeployError as exc:
        if "ImageNotFound" in str(exc):
            return False
        raise
