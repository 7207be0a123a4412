"""Objects in S3. An object appears in whole or not at all, and takes its own former place.

botocore blocks, so it is called in threads. `AWS_ENDPOINT_URL_S3` leads it elsewhere.
"""

import contextlib
import re
import threading
from collections.abc import Iterator
from typing import Any, BinaryIO

from streams import crash_points
from streams.errors import StartError, UploadError
from streams.sinks.archive.interval import Check

try:
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    from streams.aws import new_session
except ImportError as exc:
    raise StartError(
        "`tally archive` needs botocore", "Install it: pip install 'tally-streams[aws]'"
    ) from exc

#: Bytes of an object that is sent in parts, and of each part but the last.
PART_BYTES = 2**23
#: Entries of a list that one answer holds.
PAGE = 1_000
#: Seconds to connect, and to wait for an answer.
CONNECT_SECONDS, ANSWER_SECONDS = 5, 15
#: HTTP statuses and codes that other credentials may change.
_REFUSED = (401, 403)
_EXPIRED = ("ExpiredToken", "TokenRefreshRequired", "InvalidToken")


class S3Bucket:
    """See `interval.Bucket`. `connections` is how many threads may call at the same time."""

    def __init__(self, name: str, connections: int) -> None:
        self._name = name
        self._config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=ANSWER_SECONDS,
            max_pool_connections=connections,
            # Whoever calls tries again, for as long as it takes.
            retries={"total_max_attempts": 1},
        )
        self._lock = threading.Lock()
        self._made: Any = None

    @property
    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = new_session().create_client("s3", config=self._config)
            return self._made

    def find(self, prefix: str, wanted: re.Pattern[str]) -> str | None:
        with self._errors(prefix):
            for entry in self._listed("list_objects_v2", "Contents", prefix):
                if wanted.fullmatch(entry["Key"]):
                    return str(entry["Key"])
            return None

    def store(self, key: str, content_type: str, file: BinaryIO, check: Check) -> int:
        with self._errors(key):
            size = file.seek(0, 2)
            file.seek(0)
            target = {"Bucket": self._name, "Key": key}
            if size <= PART_BYTES:
                self._client.put_object(**target, ContentType=content_type, Body=file.read())
            else:
                self._store_in_parts(target, content_type, file, check)
            return size

    def abort(self, prefix: str, wanted: re.Pattern[str]) -> None:
        with self._errors(prefix):
            for upload in self._listed("list_multipart_uploads", "Uploads", prefix):
                if wanted.fullmatch(upload["Key"]):
                    self._abort(upload["Key"], upload["UploadId"])

    def _listed(self, operation: str, entries: str, prefix: str) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator(operation).paginate(
            Bucket=self._name, Prefix=prefix, PaginationConfig={"PageSize": PAGE}
        )
        return (entry for page in pages for entry in page.get(entries, ()))

    @contextlib.contextmanager
    def _errors(self, key: str) -> Iterator[None]:
        try:
            yield
        except ClientError as exc:
            code = exc.response.get("Error", {}).get("Code", "")
            status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if status in _REFUSED or code in _EXPIRED:
                with self._lock:
                    # The next one looks for credentials anew.
                    self._made = None
            raise UploadError(f"{key} in {self._name}: {exc}", code or "refused") from exc
        except BotoCoreError as exc:
            raise UploadError(f"{key} in {self._name}: {exc}", type(exc).__name__) from exc

    def _store_in_parts(
        self, target: dict[str, str], content_type: str, file: BinaryIO, check: Check
    ) -> None:
        # A zombie that aborts its successor's upload by this only makes it begin anew.
        self.abort(target["Key"], re.compile(re.escape(target["Key"])))
        begun = self._client.create_multipart_upload(**target, ContentType=content_type)
        upload = {**target, "UploadId": begun["UploadId"]}
        try:
            parts: list[dict[str, Any]] = []
            while data := file.read(PART_BYTES):
                check()
                n = len(parts) + 1
                sent = self._client.upload_part(**upload, PartNumber=n, Body=data)
                parts.append({"PartNumber": n, "ETag": sent["ETag"]})
                crash_points.reached("in-parts")
            self._client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        except BaseException:
            self._abort(target["Key"], begun["UploadId"])
            raise

    def _abort(self, key: str, upload_id: str) -> None:
        # It may be gone already. What is left costs a little, until the partition is opened again.
        with contextlib.suppress(BotoCoreError, ClientError):
            self._client.abort_multipart_upload(Bucket=self._name, Key=key, UploadId=upload_id)
