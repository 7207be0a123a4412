"""Follow some hashtags from Python; each result is printed once, also if the connection breaks.

pip install websockets
python examples/follow.py ws://127.0.0.1:6066 python kafka
"""

import asyncio
import json
import random
import sys
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

LONGEST_PAUSE = 20.0


async def results(gateway: str, keys: list[str]) -> AsyncIterator[dict[str, Any]]:
    """All results of these keys from now on; after a break it goes on where it stopped."""
    query = {"realTimeItemKey": ",".join(keys)}
    pause = 0.5
    while True:
        try:
            async with connect(f"{gateway}/ws?{urlencode(query)}") as connection:
                async for text in connection:
                    message = json.loads(text)
                    if "cursor" in message:
                        query["since"] = message["cursor"]
                    if "id" in message:
                        yield message
                        pause = 0.5
        except (OSError, WebSocketException) as error:
            print(f"again in {pause:.1f} s: {error}", file=sys.stderr)
        await asyncio.sleep(pause * random.uniform(0.5, 1))
        pause = min(2 * pause, LONGEST_PAUSE)


async def main() -> None:
    """Print the results of the keys that the command line names."""
    gateway, *keys = sys.argv[1:]
    async for message in results(gateway, keys):
        print(message["key"], json.dumps(message["value"]), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
