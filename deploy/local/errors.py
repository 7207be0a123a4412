"""What can go wrong with a local Kafka; each message says what to do about it.

TallyError
  LocalKafkaError
    RegistryUnreachableError   the jars aren't here yet and can't be downloaded
    JarMismatchError           a jar isn't the one that the lock file names
    PortTakenError             something else listens on the port
    DataFolderError            the data folder belongs to another kind of cluster
    BrokerDiedError            a broker (or the formatting of its storage) ended by itself
    BrokerNotReadyError        a broker runs but doesn't answer in time
    AccessRuleError            the cluster refused a change of its access rules
"""

from __future__ import annotations

from streams.errors import TallyError


class LocalKafkaError(TallyError):
    """Anything that keeps a local Kafka from working."""


class RegistryUnreachableError(LocalKafkaError):
    """The jars aren't in the cache and the package registry doesn't give them."""

    default_remedy = (
        "Check the network and the proxy settings (HTTPS_PROXY), or name a mirror as 'central' "
        "under [repositories] in jgo's configuration file (~/.config/jgo.conf). Once the jars "
        "are downloaded, starts need no network"
    )


class JarMismatchError(LocalKafkaError):
    """A jar's sha256 differs from the lock file's."""

    default_remedy = (
        "Delete that file if it exists and start again; if the fresh download differs too, "
        "the registry or a proxy serves something else"
    )


class PortTakenError(LocalKafkaError):
    """Something else listens on a port that a broker was told to use."""

    default_remedy = (
        "Stop what listens there, choose another port (--port), or set KAFKA_BOOTSTRAP "
        "if it is a Kafka that you want to use"
    )


class DataFolderError(LocalKafkaError):
    """The data folder was made for another kind of cluster."""

    default_remedy = "Start it as it was made, choose another folder, or delete this one"


class BrokerDiedError(LocalKafkaError):
    """A broker ended although nobody stopped it."""


class BrokerNotReadyError(LocalKafkaError):
    """A broker's process runs, but the broker doesn't answer in time."""


class AccessRuleError(LocalKafkaError):
    """The cluster refused a change of its access rules."""
