"""A role's rights at MSK as access rules of a Kafka without IAM: brokers ask for the same."""

import fnmatch
from collections.abc import Collection, Iterable, Iterator

from deploy.local.access import CLUSTER_NAME, Operation, ResourceType, Rule
from tests.cloud.rights import Allowed

#: What Kafka calls each action, by MSK's documentation.
_OPERATIONS: dict[str, tuple[ResourceType, Operation]] = {
    "CreateTopic": ("topic", "create"),
    "DescribeTopic": ("topic", "describe"),
    "ReadData": ("topic", "read"),
    "WriteData": ("topic", "write"),
    "DeleteTopic": ("topic", "delete"),
    "DescribeGroup": ("group", "describe"),
    "AlterGroup": ("group", "read"),
    "DescribeTransactionalId": ("transactional_id", "describe"),
    "AlterTransactionalId": ("transactional_id", "write"),
    "DescribeCluster": ("cluster", "describe"),
    "WriteDataIdempotently": ("cluster", "idempotent_write"),
}


def rules(user: str, given: Iterable[Allowed], topics: Collection[str]) -> Iterator[Rule]:
    """The user's rules; `topics` are all that there are, for patterns that Kafka doesn't have."""
    for allowed in given:
        service, _, action = allowed.action.partition(":")
        # Without any rule it may connect, too.
        if service != "kafka-cluster" or action == "Connect":
            continue
        kind, operation = _OPERATIONS[action]
        if kind == "cluster":
            yield Rule(user, kind, CLUSTER_NAME, (operation,))
            continue
        # What follows the cluster's name and id; names have no slash.
        name = allowed.resource.rpartition("/")[2]
        prefix, star, rest = name.partition("*")
        if not star:
            yield Rule(user, kind, name, (operation,))
        elif not rest:
            yield Rule(user, kind, prefix or "*", (operation,), "prefixed" if prefix else "literal")
        else:
            for topic in fnmatch.filter(topics, name):
                yield Rule(user, kind, topic, (operation,))
