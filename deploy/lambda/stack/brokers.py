"""The addresses of MSK's brokers, which CloudFormation doesn't tell."""

from collections.abc import Mapping
from typing import Any

import botocore.session
from answering import Event, answer


def handler(event: Event, _context: object) -> None:
    """For `Custom::Brokers` with the properties Cluster and Field; its attribute is Bootstrap."""
    answer(event, bootstrap)


def bootstrap(properties: Mapping[str, Any]) -> dict[str, str]:
    """The addresses for the kind of access that `Field` names."""
    client = botocore.session.get_session().create_client("kafka")
    known = client.get_bootstrap_brokers(ClusterArn=properties["Cluster"])
    brokers = known.get(properties["Field"])
    if not brokers:
        named = sorted(name for name in known if name.startswith("BootstrapBroker"))
        raise LookupError(f"the cluster has no {properties['Field']}, only {', '.join(named)}")
    return {"Bootstrap": brokers}
