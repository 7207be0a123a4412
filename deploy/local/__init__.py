"""A real Kafka from pip packages alone: no Java, Docker or Maven on the machine.

    with LocalKafka() as cluster:
        ...  # cluster.bootstrap, cluster.env()

``python -m deploy.local start`` does the same from a shell.
"""

from deploy.local.broker import Broker
from deploy.local.cluster import LocalKafka
from deploy.local.errors import LocalKafkaError
from deploy.local.external import ExternalKafka, local_or_external

__all__ = ["Broker", "ExternalKafka", "LocalKafka", "LocalKafkaError", "local_or_external"]
