"""Deployments that, together, take each way that the templates have."""

from functools import cache
from typing import Any

from tests.cloud.evaluation import Stack

IMAGES = {
    "Image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/tally:0123",
    "AgentImage": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/agent:1",
}
_DOMAIN = {"DomainName": "tally.example.org", "HostedZone": "Z0123456789"}

#: What they are given, by their names.
DEPLOYMENTS: dict[str, dict[str, str]] = {
    "default": {},
    "least": {
        "Producer": "none",
        "Egress": "endpoints",
        "KafkaAccess": "unauthenticated",
        "Standbys": "0",
    },
    "scram": {
        "KafkaAccess": "scram",
        "Egress": "nat-per-zone",
        "ClientInstance": "true",
        "WorkerState": "efs",
        "Producer": "tweets",
        "AppSync": "graphql",
        "Ingest": "http",
        "Archive": "service",
        "LogRecords": "true",
        **_DOMAIN,
    },
    "tls": {
        "KafkaAccess": "tls",
        "Producer": "bluesky",
        "ClientInstance": "true",
        "AppSync": "typed",
        "Archive": "firehose",
        "LogRecords": "true",
        "AlarmEmail": "who@example.org",
        **_DOMAIN,
        "Ingest": "http-sqs",
    },
    "tls with a CA": {
        "KafkaAccess": "tls",
        "PrivateAuthority": "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1",
        "AppSync": "events",
    },
    "iam": {
        "KafkaAccess": "iam",
        "ClientInstance": "true",
        "WorkerState": "efs",
        "AppSync": "graphql",
        "AppSyncAuth": "iam",
        "Archive": "firehose",
        "LogRecords": "true",
        "LiveOrigins": "https://example.org",
        **_DOMAIN,
        "Ingest": "http-sqs",
    },
    "prices": {
        "Job": "tickers",
        "Producer": "tickers",
        "InputTopic": "ticker_input",
        "OutputTopic": "ticker_output",
        "WindowSeconds": "60",
    },
    "iam for types": {"AppSync": "typed", "AppSyncAuth": "iam", "Archive": "service"},
    "iam for events": {"AppSync": "events", "AppSyncAuth": "iam"},
    "iam by endpoints": {
        "Egress": "endpoints",
        "ClientInstance": "true",
        "LogRecords": "true",
        **_DOMAIN,
        "Ingest": "http-sqs",
    },
    "queue by endpoints": {"Egress": "endpoints", **_DOMAIN, "Ingest": "http-sqs"},
}


@cache
def base() -> Stack:
    """What is there before."""
    return Stack("tally-base", "base.yaml", {})


@cache
def deployment(name: str) -> Stack:
    """One of them, evaluated."""
    given: dict[str, Any] = {**IMAGES, "BaseStack": "tally-base", **DEPLOYMENTS[name]}
    return Stack("tally", "main.yaml", given, base().exported)
