"""Messages of SQS queues, straight or from SNS, and objects that S3 tells of, from ministack."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

from tests.application import Kafka
from tests.appsync.ministack import Ministack
from tests.ingest.ingester import Ingester, identities
from tests.ingest.queues import left, new_queue
from tests.polling import until


def test_messages_are_deleted_when_kafka_has_them(
    kafka: Kafka, aws: Ministack, topic: str, tmp_path: Path
) -> None:
    url, _ = new_queue(aws, topic)
    sqs = aws.client("sqs")
    ids = [
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"id": n, "text": "ä"}))["MessageId"]
        for n in range(50)
    ]
    variables = {**aws.variables, "STREAMS_INGEST_SQS_QUEUE": url, "STREAMS_INGEST_KEY_FIELD": "id"}
    with Ingester(kafka, topic, tmp_path, "sqs", **variables) as gateway:
        found = gateway.until_published(50)
        until(lambda: left(aws, url) == 0, "all is deleted", 100, gateway.tail)
        assert gateway.stop() == 0, gateway.tail()
    assert sorted(identities(found)) == sorted(ids)
    assert {record.key: json.loads(record.value or b"") for record in found} == {
        b"%d" % n: {"id": n, "text": "ä"} for n in range(50)
    }


def test_notifications_of_sns(kafka: Kafka, aws: Ministack, topic: str, tmp_path: Path) -> None:
    url, arn = new_queue(aws, topic)
    sns = aws.client("sns")
    sns_topic = sns.create_topic(Name=topic[-60:].replace(".", "-"))["TopicArn"]
    sns.subscribe(TopicArn=sns_topic, Protocol="sqs", Endpoint=arn)
    message_id = sns.publish(TopicArn=sns_topic, Message="hello")["MessageId"]
    aws.client("sqs").send_message(QueueUrl=url, MessageBody="no notification")
    variables = {**aws.variables, "STREAMS_INGEST_SQS_QUEUE": url}
    with Ingester(
        kafka, topic, tmp_path, "sqs", STREAMS_INGEST_SQS_FROM_SNS="true", **variables
    ) as gateway:
        [record] = gateway.until_published(1)
        until(lambda: "stays in the queue" in gateway.said(), "it complains", 100)
        until(lambda: left(aws, url) == 1, "the notification is deleted", 100)
    assert record.value == b"hello"
    assert identities([record]) == [message_id]


def test_lines_of_objects(
    kafka: Kafka,
    aws: Ministack,
    topic: str,
    tmp_path: Path,
    unique: Callable[[str], str],
) -> None:
    url, arn = new_queue(aws, topic)
    bucket = f"b{unique('')[-8:]}"
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    lines = [b'{"n": %d}' % n for n in range(3000)]
    s3.put_object(Bucket=bucket, Key="a b/plain+1.jsonl", Body=b"\n".join(lines[:1000]) + b"\n")
    s3.put_object(Bucket=bucket, Key="zipped.gz", Body=gzip.compress(b"\r\n".join(lines[1000:])))
    variables = {**aws.variables, "STREAMS_INGEST_S3_QUEUE": url}
    with Ingester(kafka, topic, tmp_path, "s3", **variables) as gateway:
        found = gateway.until_published(3000)
        until(lambda: left(aws, url) == 0, "all events are deleted", 100, gateway.tail)
    assert sorted(record.value or b"" for record in found) == sorted(lines)
    known = identities(found)
    assert len(set(known)) == 3000
    by_identity = dict(zip(known, (record.value for record in found), strict=True))
    plain = {i: value for i, value in by_identity.items() if i.startswith(f"{bucket}/a b/plain+1")}
    assert len(plain) == 1000
    for identity, value in plain.items():
        assert value == lines[int(identity.rpartition(":")[2])]
