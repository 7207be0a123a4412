"""The archive as an application: it keeps topics' records in S3, and does nothing else."""

import asyncio
import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from streams.core.columns import TP
from streams.errors import SettingError, TaskRetriedError, TaskStoppedError, UploadError
from streams.settings import Settings
from streams.sinks.archive.formats import Format
from streams.sinks.archive.interval import Bucket, Means, ObjectsInterval, keys_of
from streams.sinks.archive.json_lines import JsonLines
from streams.sinks.archive.settings import ArchiveSettings
from streams.sinks.trouble import Trouble
from streams.tasks.plan import Rules
from streams.transport.app import StreamsApp

log = logging.getLogger(__name__)

NAME = "archive"

T = TypeVar("T")

#: Makes the bucket of a name, for so many calls at the same time.
OpenBucket = Callable[[str, int], Bucket]


class S3Archive:
    """See `tasks.archive.Archive`."""

    def __init__(self, settings: Settings, open_bucket: OpenBucket) -> None:
        self._settings = settings.archive
        self._folder = settings.data_dir / settings.app_id / NAME
        self._open_bucket = open_bucket
        threads = settings.archive.concurrency
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=NAME)
        self._means: dict[str, Means] = {}
        # Here already, for one may need what isn't installed.
        _format(self._settings)

    @property
    def rules(self) -> Rules:
        return self._settings.rules

    @property
    def age_ms(self) -> int:
        return self._settings.age_ms

    async def tidy(self, tp: TP) -> None:
        try:
            await self._about(tp, self._bucket.abort)
        except UploadError as exc:
            # It costs a little, until the partition is opened again.
            log.warning("%s: uploads that were broken off are left: %s", tp, exc)

    async def begin(self, tp: TP) -> None:
        try:
            found = await self._about(tp, self._bucket.find)
        except UploadError as exc:
            raise TaskRetriedError(f"{tp}: can't tell whether it was archived: {exc}") from exc
        if found is not None:
            raise TaskStoppedError(
                f"{tp} has no committed offset, but {self._settings.bucket} holds {found}",
                "If the topic was made anew, set another prefix in STREAMS_ARCHIVE_URL. Else the "
                "group has lost its offset: set it to where the last objects end",
            )

    def interval(self, tp: TP, start: int, rules: Rules) -> ObjectsInterval:
        settings = self._settings
        if rules != settings.rules:
            settings = ArchiveSettings.following(rules)
        # Each time: somebody may have tidied up.
        self._folder.mkdir(parents=True, exist_ok=True)
        means = self._means_of(settings.bucket)
        return ObjectsInterval(means, settings, _format(settings), tp, start)

    @property
    def _bucket(self) -> Bucket:
        return self._means_of(self._settings.bucket).bucket

    async def _about(self, tp: TP, call: Callable[[str, re.Pattern[str]], T]) -> T:
        """What the bucket says of a partition's objects; raises UploadError."""
        prefix, wanted = self._settings.prefix(tp.topic), keys_of(tp)
        return await asyncio.get_running_loop().run_in_executor(self._pool, call, prefix, wanted)

    def _means_of(self, bucket: str) -> Means:
        if bucket not in self._means:
            opened = self._open_bucket(bucket, self._settings.concurrency)
            trouble = Trouble(f"S3 bucket {bucket}")
            self._means[bucket] = Means(opened, self._pool, trouble, self._folder, NAME)
        return self._means[bucket]

    async def close(self) -> None:
        """Take on no more work."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _format(settings: ArchiveSettings) -> Format:
    if settings.format == "parquet":
        # Only here, for it needs an extra.
        from streams.sinks.archive.parquet import Parquet

        return Parquet(settings.columns)
    return JsonLines(is_text=settings.values == "text")


def archive_app(settings: Settings, open_bucket: OpenBucket | None = None) -> StreamsApp:
    """The application. It has an id of its own, so that it may archive what workers read, too.

    Raises StartError.
    """
    if settings.archive.url is None:
        raise SettingError("STREAMS_ARCHIVE_URL", "is needed by `tally archive`", "s3://...")
    if open_bucket is None:
        # Only here, for it needs an extra.
        from streams.sinks.archive.s3 import S3Bucket

        open_bucket = S3Bucket
    settings = replace(settings, app_id=f"{settings.app_id}-{NAME}")
    app = StreamsApp(settings)
    archive = S3Archive(settings, open_bucket)
    app.when_stopped(archive.close)
    for topic in settings.archived_topics:
        app.archive(topic, archive, name=NAME)
    return app
