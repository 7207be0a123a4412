"""Records of a Kinesis stream; the partition key becomes the record's key.

How far each shard is read stands in the checkpoints' topic. What was published after the last
checkpoint comes again after a crash, with the same `ingest-id`: stream/shard:sequence number.
"""

from producers.ingest.aws.calls import Calls
from producers.ingest.aws.shards import NEWEST, OLDEST, RECORDS, THREADS, Piece, Shard, ShardReader
from producers.ingest.gateway import Gateway
from streams.errors import SettingError

STARTS = {OLDEST: "TRIM_HORIZON", NEWEST: "LATEST"}


def source(gateway: Gateway) -> ShardReader:
    """See `Source`."""
    stream = gateway.settings.aws_sources.kinesis_stream
    if stream is None:
        raise SettingError("STREAMS_INGEST_KINESIS_STREAM", "is needed for the source kinesis")
    return ShardReader(gateway, Kinesis(gateway, stream))


class Kinesis:
    """See `Stream`."""

    def __init__(self, gateway: Gateway, stream: str) -> None:
        self.name = f"kinesis/{stream}"
        self._gateway = gateway
        self._stream = stream
        self._calls = Calls("kinesis", THREADS)

    async def shards(self) -> list[Shard]:
        found: list[Shard] = []
        more: dict[str, str] = {"StreamName": self._stream}
        while more:
            answer = await self._calls.call("list_shards", **more)
            for shard in answer["Shards"]:
                parents = (shard.get("ParentShardId"), shard.get("AdjacentParentShardId"))
                found.append(Shard(shard["ShardId"], tuple(p for p in parents if p)))
            token = answer.get("NextToken")
            more = {"NextToken": token} if token else {}
        return found

    async def iterator(self, shard: str, at: str) -> str:
        where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": at}
        if at in STARTS:
            where = {"ShardIteratorType": STARTS[at]}
        answer = await self._calls.call(
            "get_shard_iterator", StreamName=self._stream, ShardId=shard, **where
        )
        return str(answer["ShardIterator"])

    async def read(self, shard: str, iterator: str) -> Piece:
        answer = await self._calls.call("get_records", ShardIterator=iterator, Limit=RECORDS)
        records = [
            (
                record["SequenceNumber"],
                self._gateway.record(
                    "kinesis",
                    record["Data"],
                    record["PartitionKey"].encode(),
                    f"{self._stream}/{shard}:{record['SequenceNumber']}",
                ),
            )
            for record in answer["Records"]
        ]
        return Piece(records, answer.get("NextShardIterator"))
