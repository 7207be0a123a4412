"""A task that runs once and has to succeed, before the stack goes on."""

import time
from collections.abc import Mapping
from typing import Any

import botocore.session
from answering import Event, answer

#: Less than the function's own timeout, so that CloudFormation is told.
WAIT_SECONDS = 840
PAUSE_SECONDS = 5


def handler(event: Event, _context: object) -> None:
    """For `Custom::RunTask` with the properties Cluster, Task, Subnets and SecurityGroup."""
    answer(event, run)


def run(properties: Mapping[str, Any]) -> dict[str, str]:
    """Run the task and wait; raises RuntimeError unless it exits with 0."""
    ecs = botocore.session.get_session().create_client("ecs")
    cluster = properties["Cluster"]
    started = ecs.run_task(
        cluster=cluster,
        taskDefinition=properties["Task"],
        launchType="FARGATE",
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": properties["Subnets"],
                "securityGroups": [properties["SecurityGroup"]],
                "assignPublicIp": "DISABLED",
            }
        },
    )
    if started["failures"]:
        raise RuntimeError(f"the task can't be started: {started['failures'][0].get('reason')}")
    arn = started["tasks"][0]["taskArn"]
    task = _until_stopped(ecs, cluster, arn)
    container = task["containers"][0]
    if container.get("exitCode") != 0:
        reason = container.get("reason") or task.get("stoppedReason") or "see its log"
        raise RuntimeError(f"{arn} ended with {container.get('exitCode')}: {reason}")
    return {"Arn": arn}


def _until_stopped(ecs: Any, cluster: str, arn: str) -> Any:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        (task,) = ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"]
        if task["lastStatus"] == "STOPPED":
            return task
        time.sleep(PAUSE_SECONDS)
    raise RuntimeError(f"{arn} hasn't ended within {WAIT_SECONDS} s")
