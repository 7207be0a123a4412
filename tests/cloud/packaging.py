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

    def uploaded(url: str) -> str:
        key = url.rsplit("/", 1)[1]
        return str(s3.get_object(Bucket=base["Artifacts"], Key=key)["Body"].read().decode())

    def visit(name: str, body: dict[str, Any]) -> None:
        found[name] = body
        for id_, resource in body["Resources"].items():
            properties = resource.get("Properties", {})
            if resource["Type"] == "AWS::CloudFormation::Stack":
                nested = template(name)["Resources"][id_]["Properties"]["TemplateURL"]
                visit(nested, parsed(uploaded(properties["TemplateURL"])))
            if resource["Type"].startswith("AWS::AppSync::"):
                # The emulator has schemas and resolvers, but doesn't look for them in S3.
                for where in [key for key in properties if key.endswith("S3Location")]:
                    properties[where.removesuffix("S3Location")] = uploaded(properties.pop(where))

    visit("main.yaml", parsed(main.read_text(encoding="utf-8")))
    return found
