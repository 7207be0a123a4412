"""Storing objects in S3: whole, in parts, and what is left of attempts that came to nothing."""

import io
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.core.columns import TP
from streams.errors import UploadError
from streams.sinks.archive import s3
from streams.sinks.archive.interval import keys_of
from streams.sinks.archive.s3 import S3Bucket
from tests.appsync.ministack import run_ministack
from tests.archive.buckets import TestBucket

PART = 5 * 2**20
Make = Callable[[], TestBucket]


class Given(Exception):
    """An end was made of it."""


@pytest.fixture
def bucket(new_bucket: Make, monkeypatch: pytest.MonkeyPatch) -> TestBucket:
    made = new_bucket()
    for name, value in made.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(s3, "PART_BYTES", PART)
    return made


@pytest.fixture
def guarded_bucket(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestBucket]:
    """A bucket that looks at signatures."""
    with run_ministack(tmp_path_factory.mktemp("guarded"), AUTH="true") as peer:
        for name, value in peer.variables.items():
            monkeypatch.setenv(name, value)
        yield TestBucket(peer, "guarded")


def nothing() -> None:
    """Goes on."""


def store(bucket: TestBucket, key: str, data: bytes, check: Callable[[], None] = nothing) -> int:
    return S3Bucket(bucket.name, 2).store(key, "application/gzip", io.BytesIO(data), check)


def test_small_and_large_objects_take_their_own_place(bucket: TestBucket) -> None:
    key = "a/ticker=BRK%2FB%20%C3%84/x.gz"
    for data in (b"first", os.urandom(2 * PART + 7), os.urandom(PART), b""):
        assert store(bucket, key, data) == len(data)
        assert bucket.objects() == {key: data}
    assert bucket.client.head_object(Bucket=bucket.name, Key=key)["ContentType"] == (
        "application/gzip"
    )
    assert not bucket.begun()


def test_what_is_given_up_is_not_visible_and_leaves_no_parts(bucket: TestBucket) -> None:
    seen: list[int] = []

    def check() -> None:
        seen.append(len(bucket.begun()))
        if len(seen) == 2:
            raise Given

    with pytest.raises(Given):
        store(bucket, "k", os.urandom(2 * PART), check)
    assert seen == [1, 1]
    assert not bucket.keys()
    assert not bucket.begun()


def test_parts_that_a_dead_process_left_are_aborted(bucket: TestBucket) -> None:
    def begin(key: str) -> dict[str, Any]:
        made: dict[str, Any] = bucket.client.create_multipart_upload(Bucket=bucket.name, Key=key)
        target = {"Bucket": bucket.name, "Key": key, "UploadId": made["UploadId"]}
        bucket.client.upload_part(**target, PartNumber=1, Body=b"x" * PART)
        return made

    begin("k")
    begin("k")
    another = begin("k2")
    data = os.urandom(PART + 1)
    store(bucket, "k", data)
    assert bucket.objects() == {"k": data}
    assert [upload["UploadId"] for upload in bucket.begun()] == [another["UploadId"]]


def test_parts_of_all_objects_of_a_partition_are_aborted(
    bucket: TestBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "PAGE", 2)
    name = "000000000000-000000000009.gz"
    for key in (*(f"p/t={n}/a-1-{name}" for n in range(5)), f"p/a-11-{name}", f"q/a-1-{name}"):
        bucket.client.create_multipart_upload(Bucket=bucket.name, Key=key)
    S3Bucket(bucket.name, 1).abort("p/", keys_of(TP("a", 1)))
    assert sorted(upload["Key"] for upload in bucket.begun()) == [f"p/a-11-{name}", f"q/a-1-{name}"]


def test_an_upload_that_a_zombie_aborts_is_tried_again(bucket: TestBucket) -> None:
    def abort() -> None:
        for upload in bucket.begun():
            bucket.client.abort_multipart_upload(
                Bucket=bucket.name, Key="k", UploadId=upload["UploadId"]
            )

    with pytest.raises(UploadError) as caught:
        store(bucket, "k", os.urandom(PART + 1), abort)
    assert caught.value.kind == "NoSuchUpload"
    assert not bucket.keys()


def test_objects_of_a_partition_are_found(
    bucket: TestBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    tp = TP("a.b", 1)
    others = [f"p/x/{name}-000000000000-000000000009.gz" for name in ("a.b-11", "a-b-1", "z.a.b-1")]
    for n, key in enumerate([*others, "q/a.b-1-000000000000-000000000009.gz"]):
        store(bucket, key, b"%d" % n)
    monkeypatch.setattr(s3, "PAGE", 2)
    s3_bucket = S3Bucket(bucket.name, 1)
    assert s3_bucket.find("p/", keys_of(tp)) is None
    found = "p/t=1/a.b-1-000000000005-1000000000009.jsonl.gz"
    store(bucket, found, b"x")
    assert s3_bucket.find("p/", keys_of(tp)) == found
    assert s3_bucket.find("", keys_of(tp)) == found


def test_refusals_say_which_object_and_why(
    bucket: TestBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UploadError, match=r"k in no-such-bucket: .*does not exist") as caught:
        S3Bucket("no-such-bucket", 1).store("k", "x", io.BytesIO(b"1"), nothing)
    assert caught.value.kind == "NoSuchBucket"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(UploadError) as caught:
        store(bucket, "k", b"1")
    assert caught.value.kind == "EndpointConnectionError"


def test_other_credentials_are_found_without_a_restart(
    guarded_bucket: TestBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)

    def write(key: str) -> None:
        file.write_text(f"[default]\naws_access_key_id={key}\naws_secret_access_key={key}\n")

    write("revoked")
    stored = S3Bucket(guarded_bucket.name, 1)
    with pytest.raises(UploadError) as caught:
        stored.store("k", "x", io.BytesIO(b"1"), nothing)
    assert caught.value.kind == "InvalidAccessKeyId"
    write("test")
    assert stored.store("k", "x", io.BytesIO(b"1"), nothing) == 1


def test_session_tokens_are_not_logged(
    bucket: TestBucket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "canary")
    with caplog.at_level(logging.DEBUG):
        store(bucket, "k", b"1")
    assert "canary" not in caplog.text
