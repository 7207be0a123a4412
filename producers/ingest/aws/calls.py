"""Calls of AWS. botocore, of the extra `aws`, blocks, so each call runs in a thread.

It finds credentials, region and endpoints as all AWS clients do.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from streams.errors import SourceError, StartError

try:
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

    from streams.aws import new_session
except ImportError as exc:
    raise StartError(
        "Sources at AWS need botocore", "Install it: pip install 'tally-streams[aws]'"
    ) from exc

CONNECT_SECONDS = 10
#: Beyond the longest poll.
READ_SECONDS = 30
ATTEMPTS = 3


class Calls:
    """A service's client; `threads` calls at a time."""

    def __init__(self, service: str, threads: int) -> None:
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
            max_pool_connections=threads,
        )
        try:
            self.client: Any = new_session().create_client(service, config=config)
        except NoRegionError as exc:
            raise StartError("The AWS region isn't known", "Set AWS_REGION") from exc
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=service)

    async def call(self, operation: str, **arguments: Any) -> Any:
        """What the operation, named as botocore does, answers; raises SourceError."""
        return await self.run(lambda: getattr(self.client, operation)(**arguments))

    async def run(self, work: Callable[[], Any]) -> Any:
        """Run `work` in a thread; raises SourceError for what AWS refuses."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, work)
        except ClientError as exc:
            raise AwsError(str(exc), exc.response.get("Error", {}).get("Code", "")) from exc
        except (BotoCoreError, OSError) as exc:
            raise SourceError(f"AWS can't be asked: {exc}") from exc


class AwsError(SourceError):
    """AWS refuses a call; `code` is its name for that."""

    def __init__(self, happened: str, code: str) -> None:
        super().__init__(happened)
        self.code = code
