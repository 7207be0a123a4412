"""Our code is allowed what it calls AWS for; it is read for its calls."""

import re
from typing import NamedTuple

import pytest

from tests.cloud.calls import ROOT, actions
from tests.cloud.deployments import base
from tests.cloud.placeholders import ACCOUNT, REGION, placeholder
from tests.cloud.rights import allows, rights, stack_of

KEY = base().output("Key")
CLUSTER = placeholder("AWS::MSK::Cluster", "Cluster", "Ref")
GLUE = f"arn:aws:glue:{REGION}:{ACCOUNT}"


class Caller(NamedTuple):
    """Code, the service that it calls, and the role that it has in a deployment."""

    file: str
    service: str
    deployment: str
    template: str
    role: str


def _secret(id_: str) -> str:
    return placeholder("AWS::SecretsManager::Secret", id_, "Ref")


ARCHIVE, QUEUE = "streams/sinks/archive/s3.py", "producers/ingest/aws/queue.py"
LOGIN, SCHEMAS = "streams/login/secrets_manager.py", "streams/schemas/glue.py"
CERTIFICATE = "deploy/lambda/stack/client_certificate.py"
#: What each one calls, by an example of each kind of resource that it does that for.
CALLERS: dict[Caller, tuple[str, ...]] = {
    Caller(ARCHIVE, "s3", "scram", "roles.yaml", "Archive"): (
        base().output("ArchiveArn"),
        base().output("ArchiveArn") + "/twitter_output/dt=2026-01-01/part.parquet",
    ),
    Caller(QUEUE, "sqs", "tls", "roles.yaml", "Ingest"): (f"arn:aws:sqs:{REGION}:{ACCOUNT}:Queue",),
    **{
        Caller(LOGIN, "secretsmanager", "scram", "roles.yaml", role): (_secret("ScramSecret"),)
        for role in ("Topics", "Worker", "Producer", "Gateway", "Ingest", "Archive")
    },
    Caller(LOGIN, "secretsmanager", "scram", "client.yaml", "Role"): (_secret("ScramSecret"),),
    Caller(LOGIN, "secretsmanager", "tls", "roles.yaml", "Worker"): (_secret("KeySecret"),),
    **{
        Caller(SCHEMAS, "glue", "iam", "roles.yaml", role): (
            f"{GLUE}:registry/tally",
            f"{GLUE}:schema/tally/{topic}",
        )
        for role, topic in {
            "Worker": "twitter_output",
            "Producer": "twitter_input",
            "Ingest": "twitter_input",
        }.items()
    },
    Caller("deploy/lambda/stack/brokers.py", "kafka", "iam", "access.yaml", "Role"): (CLUSTER,),
    Caller("deploy/lambda/stack/run_task.py", "ecs", "iam", "topics.yaml", "Role"): (
        placeholder("AWS::ECS::TaskDefinition", "Task", "Ref"),
        f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/tally/1",
    ),
    Caller(CERTIFICATE, "secretsmanager", "tls", "private-ca.yaml", "ExportRole"): (
        _secret("KeyPassword"),
        _secret("Bundle"),
    ),
    Caller(CERTIFICATE, "acm", "tls", "private-ca.yaml", "ExportRole"): (
        placeholder("AWS::CertificateManager::Certificate", "ClientCertificate", "Ref"),
    ),
    Caller("deploy/lambda/records/to_firehose.py", "firehose", "iam", "consumer.yaml", "Role"): (
        placeholder("AWS::KinesisFirehose::DeliveryStream", "Stream", "Arn"),
    ),
}


@pytest.mark.parametrize("caller", CALLERS, ids=lambda c: f"{c.role}-{c.file}-{c.service}")
def test_what_our_code_calls_is_allowed(caller: Caller) -> None:
    kind = {"Kind": "firehose"} if caller.template == "consumer.yaml" else {}
    given = rights(stack_of(caller.deployment, caller.template, **kind), caller.role)
    needed = actions(caller.file, caller.service)
    examples = CALLERS[caller]
    refused = {a for a in needed if not any(allows(given, a, example) for example in examples)}
    assert not refused
    for example in examples:
        assert any(allows(given, action, example) for action in needed), f"{example} is in vain"


def test_all_code_that_calls_aws_is_known() -> None:
    known = {caller.file for caller in CALLERS}
    # Sources that are not deployed; and what makes clients for those above.
    known |= {f"producers/ingest/sources/{name}.py" for name in ("kinesis", "s3", "dynamodb")}
    known |= {"producers/ingest/aws/calls.py"}
    found = {
        str(file.relative_to(ROOT))
        for folder in ("streams", "producers", "deploy/lambda")
        for file in (ROOT / folder).rglob("*.py")
        if re.search(r"\.create_client\(|Calls\(\"", file.read_text(encoding="utf-8"))
    }
    assert found - known == set()


def test_who_only_reads_schemas_may_do_no_more() -> None:
    for role in ("Gateway", "Archive"):
        given = rights(stack_of("iam", "roles.yaml"), role)
        assert {a for a, _ in given if a.startswith("glue:")} == {"glue:GetSchemaVersion"}
    given = rights(stack_of("iam", "client.yaml"), "Role")
    assert allows(given, "glue:GetSchemaVersion", f"{GLUE}:schema/tally/twitter_output")


def test_what_is_encrypted_can_be_read_and_written() -> None:
    for name, template, role, needed in [
        # Without SCRAM, whose secret is to be decrypted as well.
        ("iam for types", "roles.yaml", "Archive", {"Decrypt", "GenerateDataKey"}),
        ("tls", "roles.yaml", "Ingest", {"Decrypt"}),
        ("scram", "roles.yaml", "Producer", {"Decrypt"}),
        ("tls", "roles.yaml", "Worker", {"Decrypt"}),
        ("tls", "client.yaml", "Role", {"Decrypt"}),
        ("tls", "private-ca.yaml", "ExportRole", {"Decrypt", "GenerateDataKey"}),
        ("tls", "appsync-typed.yaml", "TableRole", {"Decrypt"}),
    ]:
        given = rights(stack_of(name, template), role)
        for action in needed:
            assert allows(given, f"kms:{action}", KEY), (template, role, action)


def test_operators_may_fetch_the_image_and_connect() -> None:
    given = rights(stack_of("iam", "client.yaml"), "Role")
    assert allows(given, "ecr:GetAuthorizationToken", "*")
    for action in ("BatchGetImage", "GetDownloadUrlForLayer", "BatchCheckLayerAvailability"):
        assert allows(given, f"ecr:{action}", base().output("RepositoryArn"))
    for action in ("Connect", "WriteDataIdempotently"):
        assert allows(given, f"kafka-cluster:{action}", CLUSTER)


def test_the_task_that_makes_topics_may_be_given_its_roles() -> None:
    topics = stack_of("iam", "topics.yaml")
    given = rights(topics, "Role")
    for role in ("TaskRole", "ExecutionRole"):
        assert allows(given, "iam:PassRole", topics.parameters[role])


def test_workers_may_use_the_shared_file_system() -> None:
    given = rights(stack_of("iam", "roles.yaml"), "Worker")
    for action in ("ClientMount", "ClientWrite"):
        file_system = placeholder("AWS::EFS::FileSystem", "FileSystem", "Arn")
        assert allows(given, f"elasticfilesystem:{action}", file_system)
