"""Changes of a DynamoDB table, from its stream: JSON with the keys and the images that there are.

The record's key is the item's keys, as JSON. How far each shard is read stands in the checkpoints'
topic. What was published after the last checkpoint comes again after a crash, with the same
`ingest-id`: table:eventID.
"""

import base64
import json
from typing import Any

from producers.ingest.aws.calls import Calls
from producers.ingest.aws.shards import Piece, Shard, ShardReader
from producers.ingest.gateway import Gateway
from producers.ingest.record import Record
from streams.errors import SettingError, SourceError

RECORDS = 1000
#: Shards that are asked at a time.
THREADS = 8
STARTS = {"oldest": "TRIM_HORIZON", "newest": "LATEST"}


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
        self._topic = gateway.topics_of("dynamodb")[0]
        self._start = STARTS[gateway.settings.aws_sources.start_at]
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

    async def iterator(self, shard: str, after: str | None) -> str:
        at = {"ShardIteratorType": self._start}
        if after is not None:
            at = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after}
        answer = await self._calls.call(
            "get_shard_iterator", StreamArn=self._arn, ShardId=shard, **at
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
            name: _plain_item(of[image])
            for name, image in (("keys", "Keys"), ("new", "NewImage"), ("old", "OldImage"))
            if image in of
        }
        value = {"event": change["eventName"], "table": self._table, **images}
        key = json.dumps(images["keys"], ensure_ascii=False, sort_keys=True)
        return Record(
            self._topic,
            json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace"),
            key.encode("utf-8", "backslashreplace"),
            f"{self._table}:{change['eventID']}",
        )


def _plain_item(item: dict[str, Any]) -> dict[str, Any]:
    return {name: plain(value) for name, value in item.items()}


def plain(typed: dict[str, Any]) -> Any:
    """A DynamoDB value as JSON has it; numbers beyond a double's precision stay text."""
    [(kind, value)] = typed.items()
    match kind:
        case "N":
            return number(value)
        case "NULL":
            return None
        case "B":
            return base64.b64encode(value).decode()
        case "L":
            return [plain(one) for one in value]
        case "M":
            return _plain_item(value)
        case "NS":
            return [number(one) for one in value]
        case "BS":
            return [base64.b64encode(one).decode() for one in value]
    return value


def number(text: str) -> int | float | str:
    """A whole number of any size, a double if it is exactly that, else the text."""
    if text.lstrip("-").isdigit():
        return int(text)
    double = float(text)
    return double if len(text.lstrip("-0.").replace(".", "")) <= 15 else text
