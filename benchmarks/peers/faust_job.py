"""The job in stock Faust: `faust_job.py worker`, settings from PEER_*.

As its documentation shows it: an agent that groups by the hashtag and counts in a tumbling table.
"""

import json
import os
from typing import Any

import faust
from faust.types import EventT

MIN_MENTIONED = 4
WINDOW_SECONDS = int(os.environ["PEER_WINDOW_MS"]) / 1000
GRACE_SECONDS = int(os.environ["PEER_GRACE_MS"]) / 1000

app = faust.App(
    os.environ["PEER_APP"],
    broker=f"kafka://{os.environ['KAFKA_BOOTSTRAP']}",
    store=os.environ["PEER_STORE"],
    processing_guarantee=os.environ["PEER_GUARANTEE"],
    topic_partitions=int(os.environ["PEER_PARTITIONS"]),
    datadir=os.environ["PEER_FOLDER"],
)
mentions = app.topic(
    os.environ["PEER_INPUT"],
    key_type=str,
    value_type=str,
    key_serializer="raw",
    value_serializer="raw",
)
finals = app.topic(
    os.environ["PEER_OUTPUT"],
    key_type=str,
    value_type=str,
    key_serializer="raw",
    value_serializer="raw",
)


async def emit(key: tuple[str, tuple[float, float]], count: int) -> None:
    """Write what a closed window's count comes to."""
    hashtag, (start, _) = key
    if count > MIN_MENTIONED:
        # The end of a window in Faust is its last moment, 0.1 s before the next one's start.
        begin_ms = round(start * 1000)
        end_ms = begin_ms + int(WINDOW_SECONDS * 1000)
        value = {"hashtag": hashtag, "count": count}
        value |= {"window_start": begin_ms, "window_end": end_ms}
        await finals.send(key=hashtag, value=json.dumps(value), timestamp=end_ms / 1000 - 0.001)


counts = app.Table(
    "counts", key_type=str, value_type=int, default=int, on_window_close=emit
).tumbling(WINDOW_SECONDS, expires=WINDOW_SECONDS + GRACE_SECONDS)
said = False


def hashtag_of(value: str) -> str:
    """The key to count by."""
    return value.lower().strip()


@app.agent(mentions)
async def count_mentions(stream: Any) -> None:
    """Filter, group, count."""
    long_enough = stream.filter(longer_than_one)
    async for event in long_enough.group_by(hashtag_of, name="hashtag").events():
        count(event)


def longer_than_one(value: str) -> bool:
    """The job's filter; tells once that records come."""
    global said
    if not said:
        said = True
        print("consuming", flush=True)
    return len(value) > 1


def count(event: EventT[str]) -> None:
    """One more."""
    counts[event.key] += 1


if __name__ == "__main__":
    app.main()
