"""Kinesis and DynamoDB Streams, from ministack: all shards, and on from the checkpoint."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.application import Kafka
from tests.appsync.ministack import Ministack
from tests.ingest.ingester import Ingester, identities
from tests.reading import Record


def values(records: list[Record]) -> list[bytes]:
    """Their values, sorted."""
    return sorted(record.value or b"" for record in records)


class Stream:
    """A stream of Kinesis."""

    def __init__(self, aws: Ministack, name: str, shards: int) -> None:
        self.name = name
        self.client = aws.client("kinesis")
        self.client.create_stream(StreamName=name, ShardCount=shards)
        self.variables = {**aws.variables, "STREAMS_INGEST_KINESIS_STREAM": name}

    def put(self, first: int, end: int) -> None:
        for n in range(first, end):
            self.client.put_record(StreamName=self.name, Data=b"%d" % n, PartitionKey=f"k{n % 10}")

    def shards(self) -> list[str]:
        """Those that are open."""
        found = self.client.list_shards(StreamName=self.name)["Shards"]
        # ministack drops closed ones at once, so that none of them may hold unread records.
        return [shard["ShardId"] for shard in found]


def test_kinesis_goes_on_where_it_was(
    kafka: Kafka,
    aws: Ministack,
    topic: str,
    unique: Callable[[str], str],
    tmp_path: Path,
) -> None:
    stream = Stream(aws, unique("s")[-40:], 3)
    stream.put(0, 60)
    with Ingester(kafka, topic, tmp_path, "kinesis", **stream.variables) as gateway:
        gateway.until_published(60)
        # In order, so that the checkpoints are written.
        assert gateway.stop() == 0, gateway.tail()
        stream.put(60, 100)
        gateway.begin()
        found = gateway.until_published(100)
        assert gateway.stop() == 0, gateway.tail()
    assert values(found) == sorted(b"%d" % n for n in range(100)), "each once"
    assert all(record.key == b"k%d" % (int(record.value or b"") % 10) for record in found)
    assert len(set(identities(found))) == 100


def test_kinesis_shards_that_are_split_and_merged(
    kafka: Kafka,
    aws: Ministack,
    topic: str,
    unique: Callable[[str], str],
    tmp_path: Path,
) -> None:
    stream = Stream(aws, unique("s")[-40:], 1)
    with Ingester(kafka, topic, tmp_path, "kinesis", **stream.variables) as gateway:
        stream.put(0, 30)
        gateway.until_published(30)
        [only] = stream.shards()
        stream.client.split_shard(
            StreamName=stream.name, ShardToSplit=only, NewStartingHashKey=str(2**127)
        )
        stream.put(30, 60)
        gateway.until_published(60)
        first, second = stream.shards()
        stream.client.merge_shards(
            StreamName=stream.name, ShardToMerge=first, AdjacentShardToMerge=second
        )
        stream.put(60, 90)
        found = gateway.until_published(90)
        assert gateway.stop() == 0, gateway.tail()
    assert values(found) == sorted(b"%d" % n for n in range(90)), "each once"
    assert len(set(identities(found))) == 90


def test_changes_of_a_table(
    kafka: Kafka,
    aws: Ministack,
    topic: str,
    unique: Callable[[str], str],
    tmp_path: Path,
) -> None:
    dynamodb = aws.client("dynamodb")
    table = unique("t")[-40:]
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    item = {"id": {"S": "a"}, "n": {"N": "12345678901234567890"}, "l": {"L": [{"NULL": True}]}}
    dynamodb.put_item(TableName=table, Item=item)
    dynamodb.put_item(TableName=table, Item={"id": {"S": "a"}, "n": {"N": "1.5"}})
    variables = {**aws.variables, "STREAMS_INGEST_DYNAMODB_TABLE": table}
    with Ingester(kafka, topic, tmp_path, "dynamodb", **variables) as gateway:
        gateway.until_published(2)
        assert gateway.stop() == 0, gateway.tail()
        dynamodb.delete_item(TableName=table, Key={"id": {"S": "a"}})
        gateway.begin()
        found = gateway.until_published(3)
        assert gateway.stop() == 0, gateway.tail()
    assert {record.key for record in found} == {b'{"id": "a"}'}
    first = {"id": "a", "n": 12345678901234567890, "l": [None]}
    second = {"id": "a", "n": 1.5}
    changes = [json.loads(record.value or b"") for record in found]
    assert [(c["event"], c.get("old"), c.get("new")) for c in changes] == [
        ("INSERT", None, first),
        ("MODIFY", first, second),
        ("REMOVE", second, None),
    ]
