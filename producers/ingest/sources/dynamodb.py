"""Changes of a DynamoDB table, from its stream: JSON with the keys and the images that there are.

The record's key is the item's keys, as JSON. How far each shard is read stands in the checkpoints'
topic. What was published after the last checkpoint comes again after a crash, with the same
`ingest-id`: table:eventID.
"""

import json
from typing import Any

from producers.ingest.aws.calls import Calls
from producers.ingest.aws.dynamodb_values import plain_item
from producers.ingest.aws.shards import (
    NEWEST,
    OLDEST,
    RECORDS,
    THREADS,
    Piece,
    Shard,
    ShardReader,
)
from producers.ingest.gateway import Gateway
from producers.ingest.record import Record
from streams.errors import SettingError, SourceError

STARTS = {OLDEST: "TRIM_HORIZON", NEWEST: "LATEST"}


def source(gateway: Gateway) -> ShardReader:
    """See `Source`."""
    table = gateway.settings.aws_sources.dynamodb_table
    if table is None:
        raise SettingError("STREAMS_INGEST_DYNAMODB_TABLE", "is needed for the source dynamodb")
    return ShardReader(gateway, DynamoDb(gateway, table))


class DynamoDb:
    """See `Stream`."""

    def __init__(self, gateway: Gateway, table: str) -> None:
        self.name = f"dynamodb/{table}"
        self._table = table
        self._gateway = gateway
        self._tables = Calls("dynamodb", 1)
        self._calls = Calls("dynamodbstreams", THREADS)
        self._arn = ""

    async def shards(self) -> list[Shard]:
        answer = await self._tables.call("describe_table", TableName=self._table)
        self._arn = answer["Table"].get("LatestStreamArn", "")
        if not self._arn:
            raise SourceError(f"The table {self._table!r} has no stream", "Turn its stream on")
        found: list[Shard] = []
        more: dict[str, str] | None = {}
        while more is not None:
            answer = await self._calls.call("describe_stream", StreamArn=self._arn, **more)
            for shard in answer["StreamDescription"]["Shards"]:
                parent = shard.get("ParentShardId")
                found.append(Shard(shard["ShardId"], (parent,) if parent else ()))
            last = answer["StreamDescription"].get("LastEvaluatedShardId")
            more = {"ExclusiveStartShardId": last} if last else None
        return found

    async def iterator(self, shard: str, at: str) -> str:
        where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": at}
        if at in STARTS:
            where = {"ShardIteratorType": STARTS[at]}
        answer = await self._calls.call(
            "get_shard_iterator", StreamArn=self._arn, ShardId=shard, **where
        )
        return str(answer["ShardIterator"])

    async def read(self, shard: str, iterator: str) -> Piece:  # noqa: ARG002
        answer = await self._calls.call("get_records", ShardIterator=iterator, Limit=RECORDS)
        records = [
            (change["dynamodb"]["SequenceNumber"], self._record(change))
            for change in answer["Records"]
        ]
        return Piece(records, answer.get("NextShardIterator"))

    def _record(self, change: dict[str, Any]) -> Record:
        of = change["dynamodb"]
        images = {
            name: plain_item(of[image])
            for name, image in (("keys", "Keys"), ("new", "NewImage"), ("old", "OldImage"))
            if image in of
        }
        value = {"event": change["eventName"], "table": self._table, **images}
        key = json.dumps(images["keys"], ensure_ascii=False, sort_keys=True)
        return self._gateway.record(
            "dynamodb",
            json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace"),
            key.encode("utf-8", "backslashreplace"),
            f"{self._table}:{change['eventID']}",
        )
