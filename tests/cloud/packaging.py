"""What `aws cloudformation package` makes of the templates: local paths become objects in S3."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.aws import stacks
from tests.cloud.emulator import Emulator
from tests.cloud.templates import parsed, template

Packaged = dict[str, dict[str, Any]]


def packaged(emulator: Emulator, base: Mapping[str, str], folder: Path) -> Packaged:
    """All templates that main.yaml leads to, by their files' names."""
    main = folder / "main.yaml"
    stacks.package(base, main)
    s3 = emulator.client("s3")
    found: Packaged = {}

    def visit(name: str, body: dict[str, Any]) -> None:
        found[name] = body
        for id_, resource in template(name)["Resources"].items():
            if resource["Type"] == "AWS::CloudFormation::Stack":
                url = body["Resources"][id_]["Properties"]["TemplateURL"]
                uploaded = s3.get_object(Bucket=base["Artifacts"], Key=url.rsplit("/", 1)[1])
                visit(resource["Properties"]["TemplateURL"], parsed(uploaded["Body"].read()))

    visit("main.yaml", parsed(main.read_text(encoding="utf-8")))
    return found
