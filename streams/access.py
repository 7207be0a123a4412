"""Can this process use the cluster? If not, the cause by its name: never the secret.

aiokafka tells a wrong password, an unknown CA and a dead host apart only in its log: to the
caller all three are "Unable to bootstrap". So we make one connection ourselves, before any
client starts, and keep what it raises.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterable
from typing import Any

from aiokafka import errors as kafka_errors
from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.metadata import MetadataRequest

from streams.errors import ClusterAccessError, MissingTopicError, TallyError
from streams.kafka_settings import KafkaSettings
from streams.login.connection import create_conn

CHECK_TIMEOUT_S = 25.0
CONNECT_TIMEOUT_MS = 10_000

_UNKNOWN_CA = {18, 19, 20, 21}  # OpenSSL's verify codes for a chain that ends in no trusted CA


async def check_access(
    kafka: KafkaSettings, topics: Iterable[str] = (), *, timeout_s: float = CHECK_TIMEOUT_S
) -> dict[str, int]:
    """The number of partitions of those `topics` that exist; creates none.

    Raises ClusterAccessError when no broker lets us in or a topic is denied, within `timeout_s`.
    """
    wanted = sorted(set(topics))
    try:
        async with asyncio.timeout(timeout_s):
            return await _check(kafka, wanted)
    except (OSError, kafka_errors.KafkaError, ssl.SSLError, ValueError) as exc:
        raise explain(exc, kafka) from exc


def explain(exc: BaseException, kafka: KafkaSettings) -> TallyError:
    """What `exc`, raised by an aiokafka client, means for the person who runs this process."""
    for cause in reversed(_causes(exc)):
        if isinstance(cause, TallyError):
            return cause
        explained = _explain_one(cause, kafka)
        if explained is not None:
            return explained
    return ClusterAccessError(f"Kafka answered with {type(exc).__name__}: {exc}")


async def _check(kafka: KafkaSettings, topics: list[str]) -> dict[str, int]:
    metadata = await _first_answer(kafka, kafka.bootstrap, topics)
    brokers = [f"{host}:{port}" for _, host, port, *_ in metadata.brokers]
    try:
        await _first_answer(kafka, brokers, [])
    except (OSError, kafka_errors.KafkaError) as exc:
        raise ClusterAccessError(
            f"{_joined(kafka.bootstrap)} answers, but says the brokers are at {_joined(brokers)}, "
            f"which can't be used from here ({_brief(exc)})",
            "Correct the brokers' advertised.listeners",
        ) from exc
    return _partition_counts(metadata, kafka)


async def _first_answer(kafka: KafkaSettings, brokers: Iterable[str], topics: list[str]) -> Any:
    """The metadata of the first broker to answer; else the most telling of their errors."""
    options = kafka.client_options()
    del options["bootstrap_servers"]
    tasks = [asyncio.create_task(_ask(broker, options, topics)) for broker in brokers]
    failures: list[BaseException] = []
    try:
        for next_done in asyncio.as_completed(tasks):
            try:
                return await next_done
            except (OSError, kafka_errors.KafkaError, ValueError) as exc:
                failures.append(exc)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if not failures:
        raise kafka_errors.KafkaConnectionError("the cluster names no brokers")
    raise min(failures, key=_vagueness)


async def _ask(broker: str, options: dict[str, Any], topics: list[str]) -> Any:
    host, _, port = broker.rpartition(":")
    connection: AIOKafkaConnection = await create_conn(
        host.strip("[]"), int(port), request_timeout_ms=CONNECT_TIMEOUT_MS, **options
    )
    try:
        request = MetadataRequest(topics, allow_auto_topic_creation=False)
        return await connection.send(request)
    finally:
        connection.close()


def _partition_counts(metadata: Any, kafka: KafkaSettings) -> dict[str, int]:
    counts = {}
    for code, name, _, partitions in metadata.topics:
        error = kafka_errors.for_code(code)
        if error is kafka_errors.TopicAuthorizationFailedError:
            raise _denied(f"topic {name!r}", kafka)
        if error in (kafka_errors.NoError, kafka_errors.LeaderNotAvailableError):
            counts[name] = len(partitions)
        elif error is not kafka_errors.UnknownTopicOrPartitionError:
            raise ClusterAccessError(f"Topic {name!r} can't be used: {error.__name__}")
    return counts


def _causes(exc: BaseException) -> list[BaseException]:
    """`exc` and what it came from; the last is the most telling one."""
    causes = [exc]
    while causes[-1].__cause__ is not None:
        causes.append(causes[-1].__cause__)
    return causes


def _vagueness(exc: BaseException) -> int:
    """0 for an error that names its cause, more for those that may only be its consequence."""
    if isinstance(exc, kafka_errors.BrokerResponseError):
        return 0
    if isinstance(exc, ssl.SSLError):
        return 1
    if isinstance(exc, kafka_errors.KafkaError):
        return 2
    return 3


def _explain_one(exc: BaseException, kafka: KafkaSettings) -> TallyError | None:
    match exc:
        case ssl.SSLError():
            return _explain_ssl(exc, kafka)
        case kafka_errors.BrokerResponseError():
            return _explain_refusal(exc, kafka)
        case kafka_errors.KafkaConnectionError() | ConnectionResetError() | BrokenPipeError():
            return ClusterAccessError(
                f"{_joined(kafka.bootstrap)} broke off: {_brief(exc)}",
                f"Check that Kafka runs there, and that KAFKA_SECURITY_PROTOCOL "
                f"({kafka.security_protocol}) is what it speaks",
            )
        case OSError():
            return ClusterAccessError(
                f"Kafka can't be reached at {_joined(kafka.bootstrap)}: {_brief(exc)}",
                "Check KAFKA_BOOTSTRAP, and that the brokers run",
            )
    return None


def _explain_refusal(
    exc: kafka_errors.BrokerResponseError, kafka: KafkaSettings
) -> TallyError | None:
    what = ", ".join(str(arg) for arg in exc.args)
    match exc:
        case kafka_errors.SaslAuthenticationFailed():
            return _explain_login(kafka)
        case kafka_errors.UnsupportedSaslMechanismError() | kafka_errors.IllegalSaslStateError():
            return ClusterAccessError(
                f"Kafka doesn't accept {kafka.sasl_mechanism} over {kafka.security_protocol} here",
                "Check KAFKA_SASL_MECHANISM, KAFKA_SECURITY_PROTOCOL and the port",
            )
        case kafka_errors.TopicAuthorizationFailedError():
            return _denied(f"topic {what!r}", kafka)
        case kafka_errors.GroupAuthorizationFailedError():
            return _denied(f"consumer group {what!r}", kafka)
        case kafka_errors.TransactionalIdAuthorizationFailed():
            return _denied(f"transactional id {what!r}", kafka)
        case kafka_errors.ClusterAuthorizationFailedError():
            return _denied("the cluster (creating topics, or writing idempotently)", kafka)
        case kafka_errors.UnknownTopicOrPartitionError():
            return MissingTopicError(f"Topic {what!r} doesn't exist")
        case kafka_errors.InvalidTimestampError():
            return ClusterAccessError(
                "Kafka refuses the records' timestamps: too far from the present for the topic",
                "Extend its message.timestamp.before.max.ms and message.timestamp.after.max.ms",
            )
    return None


def _explain_login(kafka: KafkaSettings) -> ClusterAccessError:
    refused = f"Kafka refuses {kafka.identity} ({kafka.sasl_mechanism})"
    if kafka.uses_token:
        return ClusterAccessError(
            f"{refused}: its token isn't valid there", "Check the token's issuer, audience and life"
        )
    return ClusterAccessError(
        f"{refused}: unknown user or wrong password",
        "Check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and KAFKA_SASL_MECHANISM",
    )


def _explain_ssl(exc: ssl.SSLError, kafka: KafkaSettings) -> ClusterAccessError:
    where = _joined(kafka.bootstrap)
    if not isinstance(exc, ssl.SSLCertVerificationError):
        return ClusterAccessError(
            f"No TLS with {where}: {exc.reason or exc}",
            f"Check that the port speaks {kafka.security_protocol}, and KAFKA_SSL_CERTFILE",
        )
    if exc.verify_code in _UNKNOWN_CA:
        return ClusterAccessError(
            f"The certificate of {where} is signed by an unknown CA ({exc.verify_message})",
            "Set KAFKA_SSL_CAFILE to the PEM file of that CA",
        )
    return ClusterAccessError(
        f"The certificate of {where} is refused: {exc.verify_message}",
        "Check KAFKA_BOOTSTRAP, or have the certificate renewed",
    )


def _denied(what: str, kafka: KafkaSettings) -> ClusterAccessError:
    return ClusterAccessError(
        f"Kafka denies {kafka.identity} access to {what}", "Have its ACLs extended"
    )


def _brief(exc: BaseException) -> str:
    """One line of `exc`; where asyncio tried several addresses, the system's own words."""
    if isinstance(exc, TimeoutError | kafka_errors.RequestTimedOutError):
        return "no answer in time"
    if isinstance(exc, socket.gaierror):
        return "unknown host"
    if isinstance(exc, ConnectionRefusedError):
        return "connection refused"
    return " ".join(str(exc).split()) or type(exc).__name__


def _joined(brokers: Iterable[str]) -> str:
    return ", ".join(brokers)
