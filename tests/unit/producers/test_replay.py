"""Kept tweets, in whatever shape; bad lines are counted and named."""

import asyncio
import json
import logging
import os
import time
from pathlib import Path

import pytest

from producers.hashtags import TaggedTweet, parse_line
from producers.sources.lines import MAX_LINE_BYTES
from producers.sources.replay import LINES_TOLD, Replayed
from streams.errors import BadInputError

TWEET = {"text": "hi #a", "created_at": "1970-01-01T00:00:01Z"}


def source_of(path: Path, speed: float = 0) -> Replayed[TaggedTweet]:
    return Replayed(str(path), speed, parse_line)


async def replayed(source: Replayed[TaggedTweet]) -> list[TaggedTweet]:
    async with asyncio.timeout(60):
        return [tweet async for chunk in source.chunks() for tweet in chunk]


async def test_all_shapes(tmp_path: Path) -> None:
    file = tmp_path / "kept.jsonl"
    lines = [json.dumps({"data": TWEET}), json.dumps(TWEET), "#plain", " spaced \r", "", "zürich"]
    file.write_text("\n".join(lines))
    source = source_of(file)
    tweet = TaggedTweet([b"a"], 1000)
    plain = [TaggedTweet([tag.encode()], None) for tag in ("plain", "spaced", "zürich")]
    assert await replayed(source) == [tweet, tweet, *plain]
    assert source.report() == ""


async def test_bad_lines_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "kept.jsonl"
    too_long = b"x" * (MAX_LINE_BYTES + 1)
    deep = b'{"data":' * 50_000
    bad = [b"{oops", b"\xff", b"#", too_long, b'{"data": 1}', deep]
    file.write_bytes(b"\n".join([b"ok", *bad, b"ok"]))
    source = source_of(file)
    with caplog.at_level(logging.WARNING):
        assert [tweet.hashtags for tweet in await replayed(source)] == [[b"ok"], [b"ok"]]
    assert source.bad_lines == 6
    assert source.report() == "6 bad lines skipped"
    for number in range(2, 8):
        assert f"line {number} skipped" in caplog.text


async def test_only_the_first_bad_lines_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "kept.jsonl"
    file.write_text("{\n" * 100)
    source = source_of(file)
    assert await replayed(source) == []
    assert source.bad_lines == 100
    assert len(caplog.records) == LINES_TOLD + 1


async def test_lines_across_blocks(tmp_path: Path) -> None:
    file = tmp_path / "kept.txt"
    expected = [f"tag{number}" for number in range(100_000)]
    file.write_text("\n".join(expected) + "\n")
    tweets = await replayed(source_of(file))
    assert [tweet.hashtags[0].decode() for tweet in tweets] == expected


async def test_speed(tmp_path: Path) -> None:
    file = tmp_path / "kept.jsonl"
    later = TWEET | {"created_at": "1970-01-01T00:00:11Z"}
    file.write_text(f"{json.dumps(TWEET)}\n{json.dumps(later)}\n")
    began = time.monotonic()
    assert len(await replayed(source_of(file, 100))) == 2
    assert time.monotonic() - began >= 0.095


async def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="No such file"):
        await replayed(source_of(tmp_path / "none"))


async def test_a_pipe_that_says_nothing_can_be_left(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    task = asyncio.create_task(replayed(source_of(pipe)))
    writer = await asyncio.to_thread(pipe.open, "wb", buffering=0)
    with writer:
        done, _ = await asyncio.wait({task}, timeout=0.1)
        assert not done
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=60)
        assert done
