"""The schemas that were asked for, by their ids: a bounded cache before a registry.

A schema never changes under its id, so it is asked for once. While the registry can't be asked, who
needs one waits; only if it says that there is none, and says so again, the id is unknown.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from typing import NamedTuple
from weakref import WeakValueDictionary

from streams import metrics
from streams.errors import MisfitError, RegistryError
from streams.schemas.avro import AvroSchema
from streams.schemas.registry import Registry
from streams.sinks.backoff import Backoff

log = logging.getLogger(__name__)

#: Ids that are remembered; past this the one that was needed least recently is forgotten.
REMEMBERED = 1_000
#: Questions at a time.
QUESTIONS = 8
#: Seconds until a registry that knows of no such id is asked once more: a replica may be behind.
SURE_SECONDS = 0.5
#: Seconds for which an unknown id is remembered as such.
UNKNOWN_SECONDS = 60.0
#: The longest pause before a registry that can't be asked is asked again, in seconds.
LONGEST_PAUSE = 10.0
#: Seconds between two log lines about that.
TELL_SECONDS = 30.0

#: A schema, or why values that name it are dead letters.
Found = AvroSchema | MisfitError


class _Kept(NamedTuple):
    found: Found
    until: float


class KnownSchemas:
    """See the module."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._turns = asyncio.Semaphore(QUESTIONS)
        #: Of the ids that are being asked for.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._told_at = float("-inf")
        self._in_trouble = False

    async def find(self, schema_id: str) -> Found:
        """The schema of an id; waits for as long as the registry can't be asked."""
        found = self._remembered(schema_id)
        if found is None:
            found = await self._look_up(schema_id)
        if found is None:
            await asyncio.sleep(SURE_SECONDS)
            found = await self._look_up(schema_id)
        if found is None:
            metrics.SCHEMA_LOOKUPS.labels("unknown").inc()
            unknown = MisfitError(f"schema {schema_id} is unknown to the registry")
            self._remember(schema_id, unknown, UNKNOWN_SECONDS)
            return unknown
        return found

    def _remembered(self, schema_id: str) -> Found | None:
        kept = self._kept.get(schema_id)
        if kept is None or kept.until < time.monotonic():
            return None
        self._kept.move_to_end(schema_id)
        return kept.found

    def _remember(self, schema_id: str, found: Found, seconds: float) -> None:
        self._kept[schema_id] = _Kept(found, time.monotonic() + seconds)
        self._kept.move_to_end(schema_id)
        while len(self._kept) > REMEMBERED:
            self._kept.popitem(last=False)

    async def _look_up(self, schema_id: str) -> Found | None:
        """What the registry has, once it answers; None if it has nothing."""
        lock = self._locks.setdefault(schema_id, asyncio.Lock())
        async with lock, self._turns:
            # Somebody else may have asked meanwhile.
            found = self._remembered(schema_id)
            if found is not None:
                return found
            found = await self._ask(schema_id)
        if found is not None:
            metrics.SCHEMA_LOOKUPS.labels("found").inc()
            self._remember(schema_id, found, float("inf"))
        return found

    async def _ask(self, schema_id: str) -> Found | None:
        backoff = Backoff(LONGEST_PAUSE)
        while True:
            try:
                text = await self.registry.schema(schema_id)
                self._answered()
                return None if text is None else AvroSchema(text.text, text.references)
            except MisfitError as exc:
                self._answered()
                return exc
            except ValueError as exc:
                return MisfitError(f"schema {schema_id} can't be used: {exc}")
            except RegistryError as exc:
                self._failed(exc)
            await asyncio.sleep(backoff.next_seconds())

    def _failed(self, exc: RegistryError) -> None:
        metrics.SCHEMA_LOOKUPS.labels("failed").inc()
        self._in_trouble = True
        if time.monotonic() - self._told_at >= TELL_SECONDS:
            self._told_at = time.monotonic()
            check = f" Check {exc.setting}." if exc.setting else ""
            log.warning("The schema registry: %s.%s Values that need it wait", exc, check)

    def _answered(self) -> None:
        if self._in_trouble:
            self._in_trouble = False
            self._told_at = float("-inf")
            log.info("The schema registry answers again")
