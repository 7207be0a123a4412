"""Roles may do what their programs do, on what these use; and little else."""

import fnmatch
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest

from producers.ingest.checkpoints import topic_of_checkpoints
from streams.app import create_app
from streams.settings import Settings
from streams.sinks.archive import agent as archive
from streams.sinks.settings import AppSyncSettings
from tests.cloud.deployments import DEPLOYMENTS, base, deployment
from tests.cloud.evaluation import Stack
from tests.cloud.tasks import tasks

CLUSTER = "arn:aws:kafka:eu-central-1:123456789012:{}/tally/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0-2"
#: Actions for which their service knows no narrower resource.
EVERYWHERE = {
    "ecr:GetAuthorizationToken",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
}

#: Of the application as it is deployed by default.
SETTINGS = Settings()
APP = create_app(SETTINGS)
(TABLE,) = APP.topology.tables
PARTIALS, CHANGELOG = TABLE.partials_topic, TABLE.changelog_topic
READ, WRITE = ("DescribeTopic", "ReadData"), ("DescribeTopic", "WriteData")


class Allowed(NamedTuple):
    """An action on a resource, either of them perhaps a pattern."""

    action: str
    resource: str


def statements(policy: Mapping[str, Any]) -> Iterator[Allowed]:
    """What a policy allows."""
    for statement in _listed(policy["Statement"]):
        assert statement["Effect"] == "Allow"
        for action in _listed(statement["Action"]):
            for resource in _listed(statement["Resource"]):
                yield Allowed(action, resource)


def rights(stack: Stack, role: str) -> list[Allowed]:
    """What a role is allowed by its own policies."""
    policies = stack.made[role]["Properties"].get("Policies", [])
    return [allowed for policy in policies for allowed in statements(policy["PolicyDocument"])]


def allows(given: list[Allowed], action: str, resource: str) -> bool:
    return any(
        fnmatch.fnmatchcase(action, allowed.action)
        and fnmatch.fnmatchcase(resource, allowed.resource)
        for allowed in given
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _roles() -> Stack:
    return next(s for s in deployment("default").all_stacks() if s.file == "roles.yaml")


def _needs(topics: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    for topic, actions in topics.items():
        for action in actions:
            yield f"kafka-cluster:{action}", f"{CLUSTER.format('topic')}/{topic}"


def _group(name: str) -> Iterator[tuple[str, str]]:
    for action in ("DescribeGroup", "AlterGroup"):
        yield f"kafka-cluster:{action}", f"{CLUSTER.format('group')}/{name}"


def _transactions(name: str) -> Iterator[tuple[str, str]]:
    for action in ("DescribeTransactionalId", "AlterTransactionalId"):
        yield f"kafka-cluster:{action}", f"{CLUSTER.format('transactional-id')}/{name}"


ARCHIVE = f"{SETTINGS.app_id}-{archive.NAME}"
NEEDED: dict[str, list[tuple[str, str]]] = {
    "Topics": list(
        _needs(
            {
                topic: ("CreateTopic", "DescribeTopic")
                for topic in (
                    SETTINGS.input_topic,
                    SETTINGS.output_topic,
                    SETTINGS.dead_letter_topic,
                    PARTIALS,
                    CHANGELOG,
                )
            }
        )
    ),
    "Worker": [
        *_needs({SETTINGS.input_topic: READ, SETTINGS.dead_letter_topic: WRITE}),
        *_needs(dict.fromkeys((SETTINGS.output_topic, PARTIALS, CHANGELOG), READ + WRITE)),
        # `AlterConfigs` and the like are never asked for; deleting merged records is.
        *_needs({PARTIALS: ("DeleteTopic",)}),
        *_group(SETTINGS.app_id),
        *_transactions(f"{SETTINGS.app_id}-{SETTINGS.input_topic}-0"),
        *_transactions(f"{SETTINGS.app_id}-begin"),
    ],
    "Producer": list(_needs({SETTINGS.input_topic: WRITE})),
    "Gateway": list(_needs({SETTINGS.output_topic: READ})),
    "Ingest": list(
        _needs(
            {
                SETTINGS.input_topic: WRITE,
                SETTINGS.dead_letter_topic: WRITE,
                topic_of_checkpoints(SETTINGS): (*READ, *WRITE, "CreateTopic"),
            }
        )
    ),
    "Archive": [
        *_needs({SETTINGS.output_topic: READ, SETTINGS.dead_letter_topic: WRITE}),
        *_group(ARCHIVE),
        *_transactions(f"{ARCHIVE}-{SETTINGS.output_topic}-0"),
    ],
}


@pytest.mark.parametrize("role", NEEDED)
def test_what_a_program_does_is_allowed(role: str) -> None:
    given = rights(_roles(), role)
    cluster = CLUSTER.format("cluster")
    assert allows(given, "kafka-cluster:Connect", cluster)
    writes = role not in {"Topics", "Gateway"}
    assert allows(given, "kafka-cluster:WriteDataIdempotently", cluster) == writes
    refused = [need for need in NEEDED[role] if not allows(given, *need)]
    assert not refused


def test_workers_may_do_the_same_for_another_job() -> None:
    (worker,) = (task for task in tasks(deployment("prices")) if task.kind == "worker")
    settings = Settings.from_env(worker.environment | {"STREAMS_DATA_DIR": "."})
    (table,) = create_app(settings).topology.tables
    (roles,) = (s for s in deployment("prices").all_stacks() if s.file == "roles.yaml")
    needed = [
        *_needs({table.source_topic: READ, settings.dead_letter_topic: WRITE}),
        *_needs(dict.fromkeys(settings.output_topics.values(), READ + WRITE)),
        *_needs(dict.fromkeys((table.partials_topic, table.changelog_topic), READ + WRITE)),
        *_needs({table.partials_topic: ("DeleteTopic",)}),
    ]
    given = rights(roles, "Worker")
    assert not [need for need in needed if not allows(given, *need)]


@pytest.mark.parametrize("role", NEEDED)
def test_no_program_may_do_what_others_do(role: str) -> None:
    given = rights(_roles(), role)
    others = {
        f"kafka-cluster:{action}": f"{CLUSTER.format('topic')}/{topic}"
        for action, topic in {
            "DeleteTopic": SETTINGS.output_topic,
            "AlterTopic": SETTINGS.input_topic,
            "WriteData": "somebody-elses",
            "ReadData": "somebody-elses",
        }.items()
    }
    assert not [need for need in others.items() if allows(given, *need)]
    create = ("kafka-cluster:CreateTopic", f"{CLUSTER.format('topic')}/{CHANGELOG}")
    assert allows(given, *create) == (role == "Topics")
    assert not allows(given, "kafka-cluster:AlterGroup", f"{CLUSTER.format('group')}/another")


def test_operators_may_reset_the_application() -> None:
    (client,) = (s for s in deployment("iam").all_stacks() if s.file == "client.yaml")
    policy = client.made["KafkaPolicy"]["Properties"]["PolicyDocument"]
    needed = [
        *_needs(dict.fromkeys((PARTIALS, CHANGELOG), (*READ, "CreateTopic", "DeleteTopic"))),
        *_needs(dict.fromkeys((SETTINGS.input_topic, SETTINGS.output_topic), READ)),
        *_group(SETTINGS.app_id),
        *_transactions(f"{SETTINGS.app_id}-{PARTIALS}-0"),
    ]
    given = list(statements(policy))
    assert not [need for need in needed if not allows(given, *need)]
    for topic in (SETTINGS.input_topic, SETTINGS.output_topic):
        delete = ("kafka-cluster:DeleteTopic", f"{CLUSTER.format('topic')}/{topic}")
        assert not allows(given, *delete)


def test_workers_sign_for_publishing_only() -> None:
    expected = {
        "iam": ("appsync:GraphQL", "/types/Mutation/fields/*"),
        "iam for types": ("appsync:GraphQL", "/types/Mutation/fields/*"),
        "iam for events": ("appsync:EventPublish", "/channelNamespace/default"),
    }
    for name, (action, resource) in expected.items():
        (roles,) = (s for s in deployment(name).all_stacks() if s.file == "roles.yaml")
        given = [right for right in rights(roles, "Worker") if right.action.startswith("appsync:")]
        assert [right.action for right in given] == [action]
        assert given[0].resource.endswith(resource)
    # Its first segment is the namespace that the role names.
    events = AppSyncSettings(url="https://example.org/event", mode="events", auth="iam")
    assert events.channel_template.split("/")[0] == "default"


def _policies() -> Iterator[tuple[str, str, Allowed]]:
    for stack in [base(), *(s for name in DEPLOYMENTS for s in deployment(name).all_stacks())]:
        for id_, resource in stack.made.items():
            if not resource["Type"].startswith("AWS::IAM::"):
                continue
            properties = resource["Properties"]
            documents = [p["PolicyDocument"] for p in properties.get("Policies", [])]
            if "PolicyDocument" in properties:
                documents.append(properties["PolicyDocument"])
            for document in documents:
                for allowed in statements(document):
                    yield stack.file, id_, allowed


def test_nothing_is_allowed_everywhere() -> None:
    for file, id_, allowed in _policies():
        where = f"{file}: {id_} {allowed}"
        assert "*" not in allowed.action, where
        if allowed.resource == "*":
            assert allowed.action in EVERYWHERE, where


def test_nothing_has_a_fixed_name() -> None:
    named = ("RoleName", "PolicyName", "ManagedPolicyName", "BucketName", "FunctionName")
    for stack in [base(), *(s for name in DEPLOYMENTS for s in deployment(name).all_stacks())]:
        for id_, resource in stack.resources.items():
            for name in named:
                value = resource.get("Properties", {}).get(name)
                is_inline = resource["Type"].endswith("Policy") and name == "PolicyName"
                assert value is None or isinstance(value, dict) or is_inline, (stack.file, id_)
