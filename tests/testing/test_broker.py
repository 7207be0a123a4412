"""The broker in memory keeps Kafka's promises, and makes none that Kafka doesn't."""

from dataclasses import replace

import pytest

from streams.core.columns import TP
from streams.core.ports import Committed, Member, Record
from streams.errors import FencedError, TaskRetriedError, TransactionError
from streams.testing import Broker
from streams.testing.client import Client, Producer

A = TP("a", 0)
B = TP("b", 0)
GROUP = "group"


def record(text: str, key: str | None = None) -> Record:
    return Record(None if key is None else key.encode(), text.encode(), 0)


async def no_point(name: str) -> None:
    """Nothing crashes here."""


@pytest.fixture
def broker() -> Broker:
    broker = Broker()
    broker.create_topic("a", 1)
    broker.create_topic("b", 1)
    return broker


@pytest.fixture
def client(broker: Broker) -> Client:
    return Client(broker, no_point)


def member(broker: Broker) -> Member:
    """The only member of a new generation."""
    return Member(GROUP, broker.group(GROUP).rebalance(["me"]), "me")


async def started(client: Client, name: str = "id") -> Producer:
    producer = client.producer(name)
    await producer.start()
    await producer.begin()
    return producer


async def values(client: Client, tp: TP = A, start: int = 0, limit: int = 100) -> list[bytes]:
    chunk = await client.fetch(tp, start, limit)
    return [value or b"" for columns in chunk.batches for _, _, value in columns.rows()]


async def test_an_open_transaction_holds_back_what_comes_after_it(
    broker: Broker, client: Client
) -> None:
    broker.log(A).append([record("before")])
    producer = await started(client)
    assert await producer.send(A, [record("one"), record("two")]) == 2
    broker.log(A).append([record("after")])
    assert await values(client) == [b"before"]
    assert await client.log_range(A) == (0, 1)
    assert await client.high_watermark(A) == 4
    await producer.commit()
    assert await values(client) == [b"before", b"one", b"two", b"after"]
    assert await client.log_range(A) == (0, 5)  # the marker has an offset, too


async def test_aborted_records_are_passed_over(client: Client) -> None:
    producer = await started(client)
    await producer.send(A, [record("aborted")])
    await producer.abort()
    await producer.begin()
    await producer.send(A, [record("committed")])
    await producer.commit()
    chunk = await client.fetch(A, 0, 100)
    [columns] = chunk.batches
    assert [(offset, value) for offset, _, value in columns.rows()] == [(2, b"committed")]
    assert (chunk.from_offset, chunk.next_offset) == (0, 4)


async def test_a_fetch_brings_no_more_than_was_asked_for(broker: Broker, client: Client) -> None:
    broker.log(A).append([record(str(i)) for i in range(5)])
    chunk = await client.fetch(A, 1, 3, batches=2)
    assert [columns.values_since(0) for columns in chunk.batches] == [[b"1", b"2"], [b"3"]]
    assert chunk.next_offset == 4
    with pytest.raises(TaskRetriedError, match=r"outside of \[0, 5\)"):
        await client.fetch(A, 6, 1)


async def test_initialising_an_id_fences_its_owner_and_aborts_its_transaction(
    client: Client,
) -> None:
    old = await started(client)
    await old.send(A, [record("old")])
    new = await started(client)
    for refused in (
        old.send(A, [record("zombie")]),
        old.send_offsets({}, Member(GROUP, -1, "")),
        old.commit(),
        old.abort(),
    ):
        with pytest.raises(FencedError):
            await refused
    await new.send(A, [record("new")])
    await new.commit()
    assert await values(client) == [b"new"]


async def test_ids_do_not_disturb_each_other(client: Client) -> None:
    one, two = await started(client, "one"), await started(client, "two")
    await one.send(A, [record("one")])
    await two.send(B, [record("two")])
    await two.commit()
    assert await values(client, B) == [b"two"]
    await one.commit()
    assert await values(client, A) == [b"one"]


async def test_offsets_become_visible_with_their_transaction(
    broker: Broker, client: Client
) -> None:
    me = member(broker)
    producer = await started(client)
    await producer.send_offsets({A: Committed(5, "five")}, me)
    with pytest.raises(TransactionError):
        await client.committed(GROUP, [A])
    assert await client.committed(GROUP, [A], stable=False) == {}
    assert await client.committed(GROUP, [B]) == {}
    await producer.commit()
    assert await client.committed(GROUP, [A, B]) == {A: Committed(5, "five")}
    await producer.begin()
    await producer.send_offsets({A: Committed(9, "")}, me)
    await producer.abort()
    assert await client.committed(GROUP, [A]) == {A: Committed(5, "five")}
    broker.expire_offsets(GROUP)
    assert await client.committed(GROUP, [A]) == {}


async def test_only_members_of_the_present_generation_commit_offsets(
    broker: Broker, client: Client
) -> None:
    old, now = member(broker), member(broker)
    producer = await started(client)
    await producer.send_offsets({A: Committed(1, "")}, now)
    for stranger in (old, replace(now, member_id="you"), replace(now, generation=99)):
        with pytest.raises(FencedError, match="generation"):
            await producer.send_offsets({A: Committed(1, "")}, stranger)
    # As brokers do, whoever claims no membership is let in.
    await producer.send_offsets({A: Committed(2, "")}, Member(GROUP, -1, ""))


async def test_a_transactions_end_may_reach_its_partitions_one_by_one(
    broker: Broker, client: Client
) -> None:
    broker.coordinator.lazy = True
    producer = await started(client)
    await producer.send(A, [record("a")])
    await producer.send(B, [record("b")])
    await producer.send_offsets({A: Committed(1, "")}, Member(GROUP, -1, ""))
    await producer.commit()
    (transaction,) = broker.coordinator.ending
    transaction.settle_one(1)
    assert (await values(client, A), await values(client, B)) == ([], [b"b"])
    with pytest.raises(TransactionError):
        await client.committed(GROUP, [A])
    # The next transaction of the id, or its next owner, waits for the last one's end.
    await producer.begin()
    await producer.send(B, [record("next")])
    assert await values(client, A) == [b"a"]
    assert await client.committed(GROUP, [A]) == {A: Committed(1, "")}


async def test_deleted_records_are_gone_and_offsets_stay(broker: Broker, client: Client) -> None:
    broker.log(A).append([record(str(i)) for i in range(5)])
    await client.delete_records(A, 3)
    assert await client.log_range(A) == (3, 5)
    assert await values(client, start=3) == [b"3", b"4"]
    with pytest.raises(TaskRetriedError):
        await client.fetch(A, 2, 1)
    await client.delete_records(A, 1)
    assert await client.log_range(A) == (3, 5)


async def test_compaction_keeps_the_newest_of_each_key(broker: Broker, client: Client) -> None:
    log = broker.log(A)
    log.append([record("1", "x"), record("2", "y"), record("3", "x"), Record(b"z", None, 0)])
    aborted = await started(client)
    await aborted.send(A, [record("aborted", "y")])
    await aborted.abort()
    opened = await started(client)
    await opened.send(A, [record("4", "x")])
    log.append([record("5", "y")])
    broker.compact("a")
    # Nothing at or beyond the last stable offset is touched, or outdates what is before it.
    assert [entry.offset for entry in log.entries] == [1, 2, 3, 6, 7]
    await opened.commit()
    broker.compact("a", drop_tombstones=True)
    assert [entry.offset for entry in log.entries] == [6, 7]
    pieces = [piece async for piece in client.read(A, 0, 9)]
    assert [(r.offset, r.key, r.value) for piece in pieces for r in piece.records] == [
        (6, b"x", b"4"),
        (7, b"y", b"5"),
    ]
    assert pieces[-1].following == 9
