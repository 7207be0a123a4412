"""SQS queues at ministack."""

import json

from tests.appsync.ministack import Ministack


def new_queue(aws: Ministack, name: str) -> tuple[str, str]:
    """URL and ARN of a new queue."""
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=name[-80:].replace(".", "-"))["QueueUrl"]
    got = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(url), str(got["Attributes"]["QueueArn"])


def left(aws: Ministack, url: str) -> int:
    """Messages that aren't deleted, the invisible ones included."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    got = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
    return sum(int(value) for value in got["Attributes"].values())


def body(number: int) -> bytes:
    """That of a message that `fill` sends."""
    return json.dumps({"sqs": number}).encode()


def fill(aws: Ministack, url: str, count: int) -> list[str]:
    """Send messages; returns their ids."""
    sqs = aws.client("sqs")
    ids = []
    for first in range(0, count, 10):
        entries = [{"Id": str(n), "MessageBody": body(first + n).decode()} for n in range(10)]
        answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
        ids += [sent["MessageId"] for sent in answer["Successful"]]
    return ids
