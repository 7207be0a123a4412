"""Access rules (ACLs): who may do what with which topics, groups and transactional ids."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.admin import CreateAclsRequest, DescribeAclsRequest

from deploy.local.client import run
from deploy.local.errors import AccessRuleError

ResourceType = Literal["topic", "group", "cluster", "transactional_id"]
Operation = Literal[
    "all",
    "read",
    "write",
    "create",
    "delete",
    "alter",
    "describe",
    "describe_configs",
    "alter_configs",
    "idempotent_write",
]
Pattern = Literal["literal", "prefixed"]

# The numbers that Kafka's protocol has for them.
RESOURCE_TYPES: dict[ResourceType, int] = {
    "topic": 2,
    "group": 3,
    "cluster": 4,
    "transactional_id": 5,
}
OPERATIONS: dict[Operation, int] = {
    "all": 2,
    "read": 3,
    "write": 4,
    "create": 5,
    "delete": 6,
    "alter": 7,
    "describe": 8,
    "describe_configs": 10,
    "alter_configs": 11,
    "idempotent_write": 12,
}
PATTERNS: dict[Pattern, int] = {"literal": 3, "prefixed": 4}
ANY_OPERATION = 1
ALLOW = 3
ANY_HOST = "*"
CLUSTER_NAME = "kafka-cluster"
SPREAD_SECONDS = 60.0
POLL_SECONDS = 0.02
#: Nothing is asked a second time, so a busy machine gets its time.
ANSWER_MS = 30_000


@dataclass(frozen=True)
class Rule:
    """What ``user`` may do with the resources that ``name`` stands for ("*": with every one)."""

    user: str
    resource_type: ResourceType
    name: str
    operations: tuple[Operation, ...]
    pattern: Pattern = "literal"

    @property
    def resource(self) -> tuple[int, str, int]:
        return RESOURCE_TYPES[self.resource_type], self.name, PATTERNS[self.pattern]

    @property
    def principal(self) -> str:
        return f"User:{self.user}"

    @property
    def codes(self) -> set[int]:
        return {OPERATIONS[operation] for operation in self.operations}


def everything_an_app_needs(user: str) -> list[Rule]:
    """For an application that makes its own topics and works exactly once."""
    return [
        Rule(user, "topic", "*", ("all",)),
        Rule(user, "group", "*", ("all",)),
        Rule(user, "transactional_id", "*", ("all",)),
        Rule(user, "cluster", CLUSTER_NAME, ("describe", "idempotent_write")),
    ]


def allow(options: Mapping[str, Any], rules: Iterable[Rule]) -> None:
    """Add rules, and return when every broker knows them."""
    run(_allow(options, list(rules)))


async def _allow(options: Mapping[str, Any], rules: list[Rule]) -> None:
    client = AIOKafkaClient(**options, request_timeout_ms=ANSWER_MS)
    try:
        await client.bootstrap()
        await _create(client, rules)
        async with asyncio.timeout(SPREAD_SECONDS):
            for broker in client.cluster.brokers():
                for rule in rules:
                    await _wait_until_known(client, broker.nodeId, rule)
    finally:
        await client.close()


async def _create(client: AIOKafkaClient, rules: list[Rule]) -> None:
    for rule in rules:
        for code in sorted(rule.codes):
            request = CreateAclsRequest(*rule.resource, rule.principal, ANY_HOST, code, ALLOW)
            response = await client.send(client.get_random_node(), request)
            [(error_code, message)] = response.creation_responses
            if error_code:
                raise AccessRuleError(f"The cluster refused {rule}: {message}")


async def _wait_until_known(client: AIOKafkaClient, node_id: int, rule: Rule) -> None:
    """Brokers learn of rules from the controller's log, each at its own time."""
    question = DescribeAclsRequest(*rule.resource, rule.principal, ANY_HOST, ANY_OPERATION, ALLOW)
    while True:
        response = await client.send(node_id, question)
        known = {acl[2] for resource in response.resources for acl in resource[3]}
        if rule.codes <= known:
            return
        await asyncio.sleep(POLL_SECONDS)
