"""Deletes the topics that the demo made on somebody else's cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

SECONDS = 10.0


async def delete_topics(options: Mapping[str, Any], prefix: str) -> str:
    """Delete all topics whose names begin with ``prefix``; returns what came of it, as a text."""
    try:
        async with asyncio.timeout(SECONDS):
            return await _delete(options, prefix)
    except (KafkaError, OSError) as error:
        return f"the topics {prefix}* could not be deleted: {error!r}"


async def _delete(options: Mapping[str, Any], prefix: str) -> str:
    admin = AIOKafkaAdminClient(**options)
    try:
        await admin.start()
        names = [name for name in await admin.list_topics() if name.startswith(prefix)]
        if names:
            await admin.delete_topics(names)
        return f"deleted {len(names)} topics {prefix}*"
    finally:
        await admin.close()
