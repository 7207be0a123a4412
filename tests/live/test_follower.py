"""The follower against a real broker: all that is committed, once, in order, over outages too."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer

from deploy.local import LocalKafka
from streams.core.columns import TP
from streams.settings import Settings
from streams.web.live.cursor import decode
from streams.web.live.follower import Follower
from streams.web.live.messages import Message, Piece
from tests.application import create_topics
from tests.polling import until_true
from tests.reading import read_all


class Remembers:
    """A listener that keeps everything."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.restarts = 0

    def restart(self) -> None:
        self.restarts += 1

    def receive(self, piece: Piece) -> None:
        self.messages += piece.messages

    def lost(self, tp: TP, from_offset: int, to_offset: int) -> None:
        raise AssertionError(f"{tp} lost {from_offset} to {to_offset}")


def settings_of(kafka: LocalKafka, topics: str, **variables: str) -> Settings:
    return Settings.from_env(
        {
            **kafka.env(),
            "STREAMS_LIVE_TOPICS": topics,
            "STREAMS_LIVE_LINGER_SECONDS": "0",
            **variables,
        }
    )


@asynccontextmanager
async def following(settings: Settings) -> AsyncIterator[tuple[Follower, Remembers]]:
    follower, listener = Follower(settings), Remembers()
    follower.listen(listener)
    async with follower.held():
        assert await follower.ready(90)
        yield follower, listener
    await follower.stop()


async def send(producer: AIOKafkaProducer, topic: str, n: int, start: int = 0) -> None:
    pending = [
        await producer.send(topic, b'{"n": %d}' % i, key=b"k%d" % (i % 3), partition=i % 2)
        for i in range(start, start + n)
    ]
    await asyncio.gather(*pending)


async def test_delivers_what_is_committed_and_nothing_else(kafka: LocalKafka, topic: str) -> None:
    options = kafka.client_options()
    await create_topics(options, topic, partitions=2)
    async with AIOKafkaProducer(**options, transactional_id=topic) as producer:
        async with producer.transaction():
            await send(producer, topic, 10)

        async def all_seen() -> bool:
            return sum(map(len, await read_all(options, topic))) == 10

        await until_true(all_seen)  # a commit is acknowledged before that
        settings = settings_of(kafka, f"{topic}=key", STREAMS_LIVE_HISTORY="3")
        async with following(settings) as (follower, listener):
            assert {m.tp.partition for m in listener.messages} == {0, 1}
            assert all(json.loads(m.value or b"")["n"] >= 4 for m in listener.messages)
            listener.messages.clear()
            await producer.begin_transaction()
            await send(producer, topic, 5, start=100)
            await producer.abort_transaction()
            async with producer.transaction():
                await send(producer, topic, 1000, start=200)
            await until_true(lambda: len(listener.messages) >= 1000)
            await until_true(lambda: sum(follower.positions.values()) == 1021)
            for partition in (0, 1):
                values = [
                    json.loads(m.value or b"")["n"]
                    for m in listener.messages
                    if m.tp.partition == partition
                ]
                assert values == list(range(200 + partition, 1200, 2))
            assert listener.restarts == 1


async def test_messages_say_where_they_stand(kafka: LocalKafka, topic: str) -> None:
    options = kafka.client_options()
    await create_topics(options, topic, partitions=2)
    async with (
        AIOKafkaProducer(**options) as producer,
        following(settings_of(kafka, f"{topic}=key")) as (_, listener),
    ):
        await send(producer, topic, 100)
        await until_true(lambda: len(listener.messages) == 100)
    seen = {TP(topic, 0): 0, TP(topic, 1): 0}
    for message in listener.messages:
        message.encode()
        body = json.loads(message.frame[2 if message.frame[1] < 126 else 4 :])
        assert body["key"].encode() == message.key
        assert body["id"] == f"{topic}-{message.tp.partition}-{message.offset}"
        seen[message.tp] = message.offset + 1
        assert decode(body["cursor"], [topic]) == seen


async def test_it_follows_as_long_as_somebody_asks(kafka: LocalKafka, topic: str) -> None:
    options = kafka.client_options()
    await create_topics(options, topic, partitions=2)
    follower, listener = Follower(settings_of(kafka, f"{topic}=key")), Remembers()
    follower.listen(listener)
    async with AIOKafkaProducer(**options) as producer:
        await send(producer, topic, 10)
        async with follower.held(), follower.held():
            assert await follower.ready(90)
            assert len(listener.messages) == 10
        await until_true(lambda: not follower.is_ready)
        assert len(follower.ring) == 0
        await send(producer, topic, 10)
        async with follower.held():
            assert await follower.ready(90)
            assert (listener.restarts, len(listener.messages)) == (2, 30)
            assert len(follower.ring) > 0
    await follower.stop()
    assert not [task for task in asyncio.all_tasks() if "follow" in task.get_name()]
