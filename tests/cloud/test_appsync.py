"""The templates' schemas and resolvers are those of deploy/appsync, which are tested live."""

from pathlib import Path
from typing import Any

import pytest

from tests.appsync import simulator
from tests.cloud.templates import FOLDER, template

APPSYNC = FOLDER.parent / "appsync"
#: The folder of each template's schema.
FOLDERS = {"appsync.yaml": APPSYNC, "appsync-typed.yaml": APPSYNC / "typed"}


def _of_type(name: str, type_: str) -> list[dict[str, Any]]:
    resources = template(name)["Resources"].values()
    return [resource["Properties"] for resource in resources if resource["Type"] == type_]


def _file(location: str) -> Path:
    """What `aws cloudformation package` uploads."""
    return (FOLDER / location).resolve(strict=True)


@pytest.mark.parametrize("name", FOLDERS)
def test_the_schema_is_the_one_that_is_tested(name: str) -> None:
    (schema,) = _of_type(name, "AWS::AppSync::GraphQLSchema")
    assert _file(schema["DefinitionS3Location"]) == FOLDERS[name] / "schema.graphql"


@pytest.mark.parametrize("name", FOLDERS)
def test_all_resolvers_are_there_and_no_others(name: str) -> None:
    used = set()
    for resolver in _of_type(name, "AWS::AppSync::Resolver"):
        field = f"{resolver['TypeName']}.{resolver['FieldName']}"
        for part in ("Request", "Response"):
            file = _file(resolver[f"{part}MappingTemplateS3Location"])
            assert file.name == f"{field}.{part.lower()}.vtl"
            used.add(file)
    assert used == set((FOLDERS[name] / "resolvers").glob("*.vtl"))


def test_the_simulator_runs_the_same_files() -> None:
    assert simulator.DEPLOY.resolve() == APPSYNC


def test_the_table_is_as_the_resolvers_want_it() -> None:
    (table,) = _of_type("appsync-typed.yaml", "AWS::DynamoDB::Table")
    assert table["KeySchema"] == [{"AttributeName": "pk", "KeyType": "HASH"}]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expiresAt", "Enabled": True}
    for file in (FOLDERS["appsync-typed.yaml"] / "resolvers").glob("Mutation.*.request.vtl"):
        assert '"pk": $util' in file.read_text()
        assert '$result.put("expiresAt"' in file.read_text()
