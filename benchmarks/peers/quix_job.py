"""The job in Quix Streams, run by a Python that has it; settings from PEER_*."""

import os
from typing import Any

from quixstreams import Application

MIN_MENTIONED = 4
said = False

app = Application(
    broker_address=os.environ["KAFKA_BOOTSTRAP"],
    consumer_group=os.environ["PEER_APP"],
    processing_guarantee=os.environ["PEER_GUARANTEE"],
    auto_offset_reset="earliest",
    state_dir=os.environ["PEER_FOLDER"],
    loglevel="WARNING",
)
mentions = app.topic(os.environ["PEER_INPUT"], key_deserializer="bytes", value_deserializer="str")
finals = app.topic(os.environ["PEER_OUTPUT"], key_serializer="str", value_serializer="json")


def longer_than_one(hashtag: str) -> bool:
    """The job's filter; tells once that records come."""
    global said
    if not said:
        said = True
        print("consuming", flush=True)
    return len(hashtag) > 1


def as_final(window: dict[str, Any], key: str, *_: Any) -> dict[str, Any]:
    """What the judge understands."""
    bounds = {"window_start": window["start"], "window_end": window["end"]}
    return {"hashtag": key, "count": window["value"], **bounds}


counts = (
    app.dataframe(mentions)
    .filter(longer_than_one)
    .apply(lambda hashtag: hashtag.lower().strip())
    .group_by(
        lambda hashtag: hashtag,
        name="hashtag",
        key_serializer="str",
        key_deserializer="str",
        value_serializer="str",
        value_deserializer="str",
    )
    .tumbling_window(int(os.environ["PEER_WINDOW_MS"]), int(os.environ["PEER_GRACE_MS"]))
    .count()
    # By default, a window closes only when the same key comes again later.
    .final(closing_strategy="partition")
    .filter(lambda window: window["value"] > MIN_MENTIONED)
    .apply(as_final, metadata=True)
    .set_timestamp(lambda value, *_: value["window_end"] - 1)
    .to_topic(finals)
)

if __name__ == "__main__":
    app.run()
