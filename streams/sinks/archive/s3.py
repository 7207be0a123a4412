"""Objects in S3. An object appears in whole or not at all, and takes its own former place.

botocore comes with the extra `aws`. It blocks, so it is called in threads. It finds credentials,
region and endpoint as all AWS clients do; `AWS_ENDPOINT_URL_S3` leads it elsewhere.
"""

import contextlib
import re
import threading
from collections.abc import Iterator
from typing import Any, BinaryIO

from streams.errors import StartError, UploadError
from streams.sinks.archive.interval import Check

try:
    import botocore.session
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError as exc:
    raise StartError(
        "`tally archive` needs botocore", "Install it: pip install 'tally-streams[aws]'"
    ) from exc

#: Bytes of an object that is sent in parts, and of each part but the last.
PART_BYTES = 2**23
#: Seconds to connect, and to wait for an answer.
CONNECT_SECONDS, ANSWER_SECONDS = 5, 15


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
                session = botocore.session.get_session()
                self._made = session.create_client("s3", config=self._config)
            return self._made

    def find(self, prefix: str, wanted: re.Pattern[str]) -> str | None:
        with self._errors(prefix):
            page: dict[str, Any] = {"IsTruncated": True}
            while page["IsTruncated"]:
                token = page.get("NextContinuationToken")
                further = {"ContinuationToken": token} if token else {}
                page = self._client.list_objects_v2(Bucket=self._name, Prefix=prefix, **further)
                for entry in page.get("Contents", ()):
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

    @contextlib.contextmanager
    def _errors(self, key: str) -> Iterator[None]:
        try:
            yield
        except ClientError as exc:
            code = exc.response.get("Error", {}).get("Code", "")
            raise UploadError(f"{key} in {self._name}: {exc}", code or "refused") from exc
        except BotoCoreError as exc:
            raise UploadError(f"{key} in {self._name}: {exc}", type(exc).__name__) from exc

    def _store_in_parts(
        self, target: dict[str, str], content_type: str, file: BinaryIO, check: Check
    ) -> None:
        self._abort_leftovers(target)
        begun = self._client.create_multipart_upload(**target, ContentType=content_type)
        upload = {**target, "UploadId": begun["UploadId"]}
        try:
            parts: list[dict[str, Any]] = []
            while data := file.read(PART_BYTES):
                check()
                n = len(parts) + 1
                sent = self._client.upload_part(**upload, PartNumber=n, Body=data)
                parts.append({"PartNumber": n, "ETag": sent["ETag"]})
            self._client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        except BaseException:
            self._abort(upload)
            raise

    def _abort_leftovers(self, target: dict[str, str]) -> None:
        """Abort what others began of this object and never completed.

        A zombie that aborts its successor's upload by that only makes it begin anew.
        """
        listed = self._client.list_multipart_uploads(Bucket=self._name, Prefix=target["Key"])
        for upload in listed.get("Uploads", ()):
            if upload["Key"] == target["Key"]:
                self._abort({**target, "UploadId": upload["UploadId"]})

    def _abort(self, upload: dict[str, str]) -> None:
        try:
            self._client.abort_multipart_upload(**upload)
        except (BotoCoreError, ClientError):
            # It may be gone already. What is left costs a little, until the bucket's rule takes it.
            return
