"""A registry in memory, which can be down, slow to spread, and asked what it was asked."""

import asyncio
from collections import Counter

from streams.errors import MisfitError, RegistryError, SchemaRefusedError
from streams.schemas.registry import SchemaText
from streams.schemas.wire import ConfluentWire, WireFormat

STRING = '"string"'
HASHTAG = '{"type": "record", "name": "H", "fields": [{"name": "hashtag", "type": "string"}]}'


class FakeRegistry:
    """See `Registry`. Schemas that it refuses are in `refused`, with the reason."""

    def __init__(self, *texts: str, wire: WireFormat | None = None) -> None:
        self.wire = wire or ConfluentWire()
        self.texts = list(texts)
        self.refused: dict[str, str] = {}
        #: Ids of Protobuf schemas.
        self.foreign: set[str] = set()
        self.up = asyncio.Event()
        self.up.set()
        self.wrong_setting = ""
        self.asked: Counter[str] = Counter()
        self.at_once = self.most_at_once = 0
        self.closed = False

    async def check(self) -> None:
        await self._answer()

    async def schema(self, schema_id: str) -> SchemaText | None:
        self.asked[schema_id] += 1
        await self._answer()
        if schema_id in self.foreign:
            raise MisfitError(f"schema {schema_id} is PROTOBUF, not Avro")
        i = int(schema_id) - 1
        return SchemaText(self.texts[i]) if 0 <= i < len(self.texts) else None

    async def find(self, topic: str, text: str) -> str | None:  # noqa: ARG002
        await self._answer()
        return str(self.texts.index(text) + 1) if text in self.texts else None

    async def register(self, topic: str, text: str) -> str:
        await self._answer()
        if text in self.refused:
            raise SchemaRefusedError(self.refused[text])
        if text not in self.texts:
            self.texts.append(text)
        found = await self.find(topic, text)
        assert found is not None
        return found

    async def objections(self, topic: str, text: str) -> str:  # noqa: ARG002
        await self._answer()
        return self.refused.get(text, "")

    async def close(self) -> None:
        self.closed = True

    async def _answer(self) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if not self.up.is_set():
            raise RegistryError("it is down", setting=self.wrong_setting)
