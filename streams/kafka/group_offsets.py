"""Hook: commit offsets in a transaction in the name of a group's member (KIP-447).

Written for aiokafka 0.14.0, which sends TxnOffsetCommit v0 without member or generation, so that an
expelled member could rewind a live group's offsets. Here is v3, and OffsetFetch v7 that asks for
stable offsets only (`require_stable`). `tests/contract/test_group_offsets.py` shows that a stale
generation and an unknown member are refused.

What is used of aiokafka's inside: the protocol's struct classes, `Sender._do_txn_offset_commit`,
`TxnOffsetCommitHandler.handle_response`, `AIOKafkaProducer._sender`.
"""

from collections import defaultdict
from typing import Any

import aiokafka.errors as kafka_errors
from aiokafka import AIOKafkaProducer
from aiokafka.client import CoordinationType
from aiokafka.producer.sender import Sender, TxnOffsetCommitHandler
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)

from streams.core.columns import TP
from streams.core.ports import Committed, Member


class TxnOffsetCommitResponseV3(Response):
    """https://kafka.apache.org/protocol#The_Messages_TxnOffsetCommit"""

    API_KEY = 28
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "errors",
            CompactArray(
                ("topic", CompactString("utf-8")),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32), ("error_code", Int16), ("tags", TaggedFields)
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class TxnOffsetCommitRequestV3(RequestStruct):
    """https://kafka.apache.org/protocol#The_Messages_TxnOffsetCommit"""

    API_KEY = 28
    API_VERSION = 3
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = TxnOffsetCommitResponseV3
    SCHEMA = Schema(
        ("transactional_id", CompactString("utf-8")),
        ("group_id", CompactString("utf-8")),
        ("producer_id", Int64),
        ("producer_epoch", Int16),
        ("generation_id", Int32),
        ("member_id", CompactString("utf-8")),
        ("group_instance_id", CompactString("utf-8")),
        (
            "topics",
            CompactArray(
                ("topic", CompactString("utf-8")),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("offset", Int64),
                        ("leader_epoch", Int32),
                        ("metadata", CompactString("utf-8")),
                        ("tags", TaggedFields),
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class MemberOffsetCommitRequest(Request[TxnOffsetCommitRequestV3]):
    """A TxnOffsetCommit that names the group's member."""

    API_KEY = 28

    def __init__(self, *fields: Any) -> None:
        self._fields = fields

    def build(self, request_struct_class: type[TxnOffsetCommitRequestV3]) -> Any:
        return request_struct_class(*self._fields, {})


class MemberOffsetCommitHandler(TxnOffsetCommitHandler):
    """Sends a TxnOffsetCommit v3; refusals that v0 did not know end the transaction."""

    def __init__(self, sender: Any, offsets: Any, group_id: str, member: Member) -> None:
        super().__init__(sender, offsets, group_id)
        self._member = member

    def create_request(self) -> MemberOffsetCommitRequest:
        manager = self._sender._txn_manager
        topics: dict[str, list[Any]] = defaultdict(list)
        for tp, offset in sorted(self._offsets.items()):
            topics[tp.topic].append((tp.partition, offset.offset, -1, offset.metadata, {}))
        return MemberOffsetCommitRequest(
            manager.transactional_id,
            self._group_id,
            manager.producer_id,
            manager.producer_epoch,
            self._member.generation,
            self._member.member_id,
            self._member.instance_id,
            [(topic, partitions, {}) for topic, partitions in topics.items()],
        )

    def handle_response(self, response: Any) -> Any:
        for _topic, partitions, _tags in response.errors:
            for _partition, code, _tag in partitions:
                error = kafka_errors.for_code(code)
                if error in MEMBERSHIP_LOST:
                    self._sender._txn_manager.error_transaction(error())
                    return None
        response.errors = [
            (topic, [(partition, code) for partition, code, _tag in partitions])
            for topic, partitions, _tags in response.errors
        ]
        return super().handle_response(response)


#: The broker's words for: this member's partitions are another's by now.
MEMBERSHIP_LOST = (
    kafka_errors.IllegalGenerationError,
    kafka_errors.UnknownMemberIdError,
    kafka_errors.RebalanceInProgressError,
    kafka_errors.for_code(82),  # FENCED_INSTANCE_ID
)


class MemberSender(Sender):
    """aiokafka's sender, but offsets are committed in the name of `member`."""

    member: Member | None = None

    async def _do_txn_offset_commit(self, offsets: Any, group_id: str) -> None:
        if not offsets:
            return
        assert self.member is not None, "set before offsets are sent"
        try:
            node_id = await self._find_coordinator(CoordinationType.GROUP, group_id)
        except kafka_errors.GroupAuthorizationFailedError as exc:
            self._txn_manager.error_transaction(exc)
            return
        await MemberOffsetCommitHandler(self, offsets, group_id, self.member).do(node_id)


class MemberProducer(AIOKafkaProducer):
    """A transactional producer that commits offsets in the name of a group's member."""

    def __init__(self, *, retry_backoff_ms: int, request_timeout_ms: int, **options: Any) -> None:
        super().__init__(
            retry_backoff_ms=retry_backoff_ms, request_timeout_ms=request_timeout_ms, **options
        )
        self._sender: MemberSender = MemberSender(
            self.client,
            acks=-1,
            txn_manager=self._txn_manager,
            retry_backoff_ms=retry_backoff_ms,
            message_accumulator=self._message_accumulator,
            request_timeout_ms=request_timeout_ms,
        )

    def act_for(self, member: Member) -> None:
        """Commit all following offsets in the name of `member`."""
        self._sender.member = member

    def forget_errors(self) -> None:
        """Mark a failed transaction's error as seen, or asyncio would log it once more."""
        for future in (self._txn_manager._transaction_waiter, self._sender.sender_task):
            if future is not None and future.done() and not future.cancelled():
                future.exception()


class OffsetFetchResponseV7(Response):
    """https://kafka.apache.org/protocol#The_Messages_OffsetFetch"""

    API_KEY = 9
    API_VERSION = 7
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "topics",
            CompactArray(
                ("topic", CompactString("utf-8")),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("offset", Int64),
                        ("leader_epoch", Int32),
                        ("metadata", CompactString("utf-8")),
                        ("error_code", Int16),
                        ("tags", TaggedFields),
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("error_code", Int16),
        ("tags", TaggedFields),
    )


class OffsetFetchRequestV7(RequestStruct):
    """https://kafka.apache.org/protocol#The_Messages_OffsetFetch"""

    API_KEY = 9
    API_VERSION = 7
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = OffsetFetchResponseV7
    SCHEMA = Schema(
        ("group_id", CompactString("utf-8")),
        (
            "topics",
            CompactArray(
                ("topic", CompactString("utf-8")),
                ("partitions", CompactArray(Int32)),
                ("tags", TaggedFields),
            ),
        ),
        ("require_stable", Boolean),
        ("tags", TaggedFields),
    )


class StableOffsetFetchRequest(Request[OffsetFetchRequestV7]):
    """Asks for committed offsets; if `stable`, refused while a transaction is to change them."""

    API_KEY = 9

    def __init__(self, group: str, tps: list[TP], stable: bool = True) -> None:
        topics: dict[str, list[int]] = defaultdict(list)
        for tp in tps:
            topics[tp.topic].append(tp.partition)
        self._fields: tuple[Any, ...] = (
            group,
            [(topic, ps, {}) for topic, ps in topics.items()],
            stable,
            {},
        )

    def build(self, request_struct_class: type[OffsetFetchRequestV7]) -> Any:
        return request_struct_class(*self._fields)


def committed_offsets(response: Any) -> dict[TP, Committed]:
    """The offsets in a response; raises the KafkaError that any part of it carries."""
    _raise_for(response.error_code)
    found = {}
    for topic, partitions, _tags in response.topics:
        for partition, offset, _epoch, metadata, code, _tag in partitions:
            _raise_for(code)
            if offset >= 0:
                found[TP(topic, partition)] = Committed(offset, metadata or "")
    return found


def _raise_for(code: int) -> None:
    error = kafka_errors.for_code(code)
    if error is not kafka_errors.NoError:
        raise error()
