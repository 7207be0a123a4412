"""Whatever AWS does on our behalf is allowed to it: by its documentation, for no code shows it."""

import re

import pytest

from tests.cloud.calls import ROOT
from tests.cloud.deployments import DEPLOYMENTS, base, deployment
from tests.cloud.placeholders import ACCOUNT, REGION, placeholder
from tests.cloud.rights import allows, rights, stack_of
from tests.cloud.tasks import tasks

KEY = base().output("Key")
CLUSTER = placeholder("AWS::MSK::Cluster", "Cluster", "Ref")
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}"


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_ecs_may_start_each_task(name: str) -> None:
    for task in tasks(deployment(name)):
        given = rights(task.stack, "ExecutionRole")
        assert allows(given, "ecr:GetAuthorizationToken", "*")
        for repository in ("RepositoryArn", "AgentRepositoryArn"):
            for action in (
                "BatchGetImage",
                "GetDownloadUrlForLayer",
                "BatchCheckLayerAvailability",
            ):
                assert allows(given, f"ecr:{action}", base().output(repository))
        for action in ("CreateLogStream", "PutLogEvents"):
            assert allows(given, f"logs:{action}", f"{LOGS}:LogGroup")
        for source in task.secrets.values():
            # What follows the secret's name is a key of its JSON.
            secret = ":".join(source.split(":")[:7])
            assert allows(given, "secretsmanager:GetSecretValue", secret)
            assert allows(given, "kms:Decrypt", KEY)


#: What services do with our key and our bucket for logs by themselves, by their documentation.
SERVICES = {
    (f"logs.{REGION}.amazonaws.com", "Key"): {
        "kms:Encrypt",
        "kms:Decrypt",
        "kms:ReEncrypt*",
        "kms:GenerateDataKey*",
        "kms:DescribeKey",
    },
    ("cloudwatch.amazonaws.com", "Key"): {"kms:Decrypt", "kms:GenerateDataKey*"},
    ("logging.s3.amazonaws.com", "LogBucketPolicy"): {"s3:PutObject"},
    ("logdelivery.elasticloadbalancing.amazonaws.com", "LogBucketPolicy"): {"s3:PutObject"},
}


@pytest.mark.parametrize(("service", "id_"), SERVICES)
def test_services_may_do_their_work(service: str, id_: str) -> None:
    properties = base().made[id_]["Properties"]
    document = properties.get("KeyPolicy") or properties["PolicyDocument"]
    [statement] = (s for s in document["Statement"] if s["Principal"] == {"Service": service})
    actions_ = statement["Action"]
    assert set([actions_] if isinstance(actions_, str) else actions_) == SERVICES[service, id_]
    # For this account only.
    assert ACCOUNT in str(statement["Condition"])


def test_agents_may_write_metrics() -> None:
    for role in ("Worker", "Producer", "Gateway", "Ingest", "Archive"):
        given = rights(stack_of("iam", "roles.yaml"), role)
        for action in ("CreateLogStream", "DescribeLogStreams", "PutLogEvents"):
            assert allows(given, f"logs:{action}", f"{LOGS}:Metrics"), role


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_whoever_logs_may(name: str) -> None:
    for stack in deployment(name).all_stacks():
        for id_, resource in stack.made.items():
            if resource["Type"] == "AWS::Lambda::Function":
                role = resource["Properties"]["Role"].rpartition(":")[2]
                group = resource["Properties"]["LoggingConfig"]["LogGroup"].partition(".")[0]
                given = rights(stack, role)
                for action in ("CreateLogStream", "PutLogEvents"):
                    assert allows(given, f"logs:{action}", f"{LOGS}:{group}"), (stack.file, id_)
            if id_ == "LogRole":
                given = rights(stack, id_)
                for action in ("CreateLogGroup", "CreateLogStream", "PutLogEvents"):
                    assert allows(given, f"logs:{action}", f"{LOGS}:log-group:/aws/appsync/apis/1")
            if id_ == "FlowLogRole":
                given = rights(stack, id_)
                for action in ("CreateLogStream", "DescribeLogStreams", "PutLogEvents"):
                    assert allows(given, f"logs:{action}", f"{LOGS}:FlowLogGroup")


def test_resolvers_may_use_their_table() -> None:
    given = rights(stack_of("tls", "appsync-typed.yaml"), "TableRole")
    used = {
        operation
        for file in (ROOT / "deploy" / "appsync" / "typed" / "resolvers").glob("*.request.vtl")
        for operation in re.findall(r'"operation": *"(\w+)"', file.read_text(encoding="utf-8"))
    }
    assert used
    table = placeholder("AWS::DynamoDB::Table", "Latest", "Arn")
    assert {action for action, resource in given if resource == table} == {
        f"dynamodb:{operation}" for operation in used
    }


#: What Lambda asks for on behalf of a function that reads from MSK, by its documentation.
POLLERS = {
    "kafka": {"DescribeClusterV2", "GetBootstrapBrokers"},
    "ec2": {
        "CreateNetworkInterface",
        "DeleteNetworkInterface",
        "DescribeNetworkInterfaces",
        "DescribeSecurityGroups",
        "DescribeSubnets",
        "DescribeVpcs",
    },
    "logs": {"CreateLogStream", "PutLogEvents"},
    "sqs": {"SendMessage"},
    "kms": {"Decrypt", "GenerateDataKey"},
}
OF_KAFKA = {
    ("Connect", CLUSTER),
    ("DescribeClusterDynamicConfiguration", CLUSTER),
    *(
        (action, CLUSTER.replace(":cluster/", ":topic/") + "/twitter_output")
        for action in ("DescribeTopic", "ReadData")
    ),
    *(
        (action, CLUSTER.replace(":cluster/", ":group/") + "/tally-log")
        for action in ("DescribeGroup", "AlterGroup")
    ),
}


@pytest.mark.parametrize("name", ["iam", "scram", "tls"])
def test_lambda_may_read_from_kafka(name: str) -> None:
    given = rights(stack_of(name, "consumer.yaml", Kind="log"), "Role")
    needed = {f"{service}:{action}" for service, names in POLLERS.items() for action in names}
    if name == "iam":
        assert not [n for n in OF_KAFKA if not allows(given, f"kafka-cluster:{n[0]}", n[1])]
        needed |= {f"kafka-cluster:{action}" for action, _ in OF_KAFKA}
    else:
        secret = placeholder(
            "AWS::SecretsManager::Secret", "ScramSecret" if name == "scram" else "Bundle", "Ref"
        )
        needed.add("secretsmanager:GetSecretValue")
        assert allows(given, "secretsmanager:GetSecretValue", secret)
    assert {allowed.action for allowed in given} == needed


def test_firehose_may_deliver() -> None:
    given = rights(stack_of("iam", "consumer.yaml", Kind="firehose"), "DeliveryRole")
    bucket = base().output("ArchiveArn")
    for action in ("PutObject", "AbortMultipartUpload"):
        assert allows(given, f"s3:{action}", f"{bucket}/firehose/dt=2026-01-01/hr=00/1.gz")
    for action in ("GetBucketLocation", "ListBucket", "ListBucketMultipartUploads"):
        assert allows(given, f"s3:{action}", bucket)
    for action in ("Decrypt", "GenerateDataKey"):
        assert allows(given, f"kms:{action}", KEY)
    assert allows(given, "logs:PutLogEvents", f"{LOGS}:DeliveryLogs")
