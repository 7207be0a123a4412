"""What all live streams do with what arrives, by a stream that does as it is told."""

import asyncio

import pytest

from producers.hashtags import TaggedTweet
from producers.sources.live import LivePosts, Post
from streams.errors import SettingError


class Told(LivePosts):
    name = "a stream"

    def __init__(self, *ids: str) -> None:
        super().__init__()
        self.ids = ids
        self.go_on = asyncio.Event()
        self.ended = asyncio.Event()

    async def _stream_once(self) -> None:
        for id_ in self.ids:
            await self._take(Post(id_, TaggedTweet([id_.encode()], 0)))
            await self.go_on.wait()
        self.ended.set()
        raise SettingError("TOKEN", "is refused")


async def test_what_came_before_the_end_is_taken() -> None:
    source = Told("a", "b", "a", "c")
    chunks = source.chunks()
    async with asyncio.timeout(60):
        assert [post.hashtags for post in await anext(chunks)] == [[b"a"]]
        source.go_on.set()
        await source.ended.wait()
        assert [post.hashtags for post in await anext(chunks)] == [[b"b"], [b"c"]]
        with pytest.raises(SettingError):
            await anext(chunks)
    assert source.report() == "1 repeats dropped"
