"""Delivers one partition's results to AppSync: each key in order, several requests at once."""

import asyncio
from collections.abc import Sequence

from streams import metrics
from streams.errors import UndeliverableError
from streams.sinks.appsync.client import Client
from streams.sinks.appsync.formats import Item
from streams.sinks.appsync.lanes import Lanes
from streams.sinks.appsync.verdicts import Fate, Verdict
from streams.sinks.backoff import Backoff
from streams.sinks.trouble import Trouble
from streams.tasks.results import Result, Results


class Publisher:
    """See the module. `name` is the sink's, `trouble` all partitions' common one."""

    def __init__(
        self,
        name: str,
        client: Client,
        trouble: Trouble,
        concurrency: int,
        longest_pause: float,
    ) -> None:
        self._name = name
        self._client = client
        self._trouble = trouble
        self._concurrency = concurrency
        self._longest_pause = longest_pause
        self._lanes = Lanes()
        self._changed = asyncio.Event()

    async def run(self, results: Results) -> None:
        """Deliver results until cancelled."""
        async with asyncio.TaskGroup() as senders:
            for _ in range(self._concurrency):
                senders.create_task(self._send(results))
            async for some in results:
                for result in some:
                    self._add(results, result)
                self._changed.set()

    def _add(self, results: Results, result: Result) -> None:
        try:
            self._lanes.add(self._client.format.item(result))
        except UndeliverableError as exc:
            self._reject(results, result, str(exc))

    async def _send(self, results: Results) -> None:
        """Send one request after the other."""
        while True:
            items = self._lanes.take(self._client.format.most)
            if items:
                await self._deliver(results, items)
            else:
                self._changed.clear()
                await self._changed.wait()

    async def _deliver(self, results: Results, items: Sequence[Item]) -> None:
        """Send items again and again, until each is accepted or rejected."""
        backoff = Backoff(self._longest_pause)
        while True:
            answer = await self._client.send(items)
            self._settle(results, items, answer.verdicts)
            split = _having(items, answer.verdicts, Fate.SPLIT)
            for part in (split[::2], split[1::2]):
                if part:
                    await self._deliver(results, part)
            items = _having(items, answer.verdicts, Fate.RETRY)
            if not items:
                return
            await asyncio.sleep(backoff.next_seconds(answer.retry_after))

    def _settle(self, results: Results, items: Sequence[Item], verdicts: Sequence[Verdict]) -> None:
        failed: dict[str, Verdict] = {}
        for item, verdict in zip(items, verdicts, strict=True):
            if verdict.fate is Fate.ACCEPTED:
                results.accepted(item.result)
                self._trouble.accepted()
            elif verdict.fate is Fate.REJECTED:
                self._reject(results, item.result, verdict.reason)
            else:
                failed[verdict.kind] = verdict
                continue
            self._lanes.done(item)
            self._changed.set()
        for kind, verdict in failed.items():
            metrics.SINK_RETRIES.labels(self._name, kind).inc()
            self._trouble.failed(verdict.reason)

    def _reject(self, results: Results, result: Result, reason: str) -> None:
        results.rejected(result, reason)
        self._trouble.rejected(result.id, reason)


def _having(items: Sequence[Item], verdicts: Sequence[Verdict], fate: Fate) -> list[Item]:
    return [item for item, verdict in zip(items, verdicts, strict=True) if verdict.fate is fate]
