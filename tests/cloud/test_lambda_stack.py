"""The functions that stand for resources: what they ask of AWS, and what they tell CloudFormation.

botocore's stubs refuse requests and answers that aren't of AWS's form.
"""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import ModuleType
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from tests.cloud.functions import function
from tests.cloud.placeholders import REGION

CLUSTER = "arn:aws:kafka:eu-central-1:123456789012:cluster/tally/0f1e2d3c"
TASK = "arn:aws:ecs:eu-central-1:123456789012:task/tally/1"
DEFINITION = "arn:aws:ecs:eu-central-1:123456789012:task-definition/topics:3"
CERTIFICATE = "arn:aws:acm:eu-central-1:123456789012:certificate/1"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:{}-AbCdEf"


class Told:
    """Where CloudFormation waits: what it was told, and the type that it was told with."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.bodies: list[dict[str, Any]] = []
        self.types: list[str | None] = []

    def event(self, kind: str = "Create", **properties: Any) -> dict[str, Any]:
        """A request of CloudFormation's."""
        event = {
            "RequestType": kind,
            "ResponseURL": self.url,
            "StackId": "arn:aws:cloudformation:eu-central-1:123456789012:stack/tally/1",
            "RequestId": "7",
            "ResourceType": "Custom::Any",
            "LogicalResourceId": "Any",
            "ResourceProperties": properties,
        }
        return event if kind == "Create" else {**event, "PhysicalResourceId": "former"}


@pytest.fixture
def told() -> Iterator[Told]:
    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            waiting.bodies.append(json.loads(body))
            waiting.types.append(self.headers["Content-Type"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    waiting = Told(f"http://127.0.0.1:{server.server_port}/")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield waiting
    server.shutdown()
    thread.join()
    server.server_close()


Stubs = Callable[..., Stubber]


@pytest.fixture
def stubs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubs]:
    """Makes a service answer by script; at the end all of it must have been asked."""
    session = botocore.session.Session()
    clients: dict[str, Any] = {}
    stubbed: dict[str, Stubber] = {}

    def stub(service: str) -> Stubber:
        if service not in stubbed:
            clients[service] = session.create_client(
                service, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x"
            )
            stubbed[service] = Stubber(clients[service])
            stubbed[service].activate()
        return stubbed[service]

    class Session:
        def create_client(self, service: str) -> Any:
            return clients[service]

    monkeypatch.setattr(botocore.session, "get_session", Session)
    yield stub
    for stubber in stubbed.values():
        stubber.assert_no_pending_responses()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


@pytest.fixture
def brokers() -> Iterator[ModuleType]:
    with function("stack", "brokers") as module:
        yield module


@pytest.fixture
def run_task() -> Iterator[ModuleType]:
    with function("stack", "run_task") as module:
        yield module


@pytest.fixture
def client_certificate(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.setenv("CERTIFICATE_ARN", CERTIFICATE)
    monkeypatch.setenv("PASSWORD_SECRET_ARN", SECRET.format("password"))
    monkeypatch.setenv("BUNDLE_SECRET_ARN", SECRET.format("bundle"))
    with function("stack", "client_certificate") as module:
        yield module


def test_brokers_are_told(brokers: ModuleType, stubs: Stubs, told: Told) -> None:
    known = {
        "BootstrapBrokerStringTls": "b-1:9094",
        "BootstrapBrokerStringSaslIam": "b-1:9098,b-2:9098",
    }
    stubs("kafka").add_response("get_bootstrap_brokers", known, {"ClusterArn": CLUSTER})
    event = told.event(Cluster=CLUSTER, Field="BootstrapBrokerStringSaslIam")
    brokers.handler(event, None)
    assert told.types == [""] or told.types == [None]
    assert told.bodies == [
        {
            "Status": "SUCCESS",
            "Reason": "",
            "Data": {"Bootstrap": "b-1:9098,b-2:9098"},
            "PhysicalResourceId": "Any",
            "StackId": event["StackId"],
            "RequestId": "7",
            "LogicalResourceId": "Any",
        }
    ]


def test_a_cluster_without_such_access_fails_the_stack(
    brokers: ModuleType, stubs: Stubs, told: Told
) -> None:
    known = {"BootstrapBrokerStringTls": "b-1:9094"}
    stubs("kafka").add_response("get_bootstrap_brokers", known)
    brokers.handler(told.event(Cluster=CLUSTER, Field="BootstrapBrokerStringSaslScram"), None)
    assert told.bodies[0]["Status"] == "FAILED"
    assert "only BootstrapBrokerStringTls" in told.bodies[0]["Reason"]


@pytest.mark.usefixtures("stubs")
def test_a_resource_that_goes_asks_for_nothing(brokers: ModuleType, told: Told) -> None:
    brokers.handler(told.event("Delete", Cluster=CLUSTER, Field="x"), None)
    assert told.bodies[0]["Status"] == "SUCCESS"
    assert told.bodies[0]["PhysicalResourceId"] == "former"


def _run_properties() -> dict[str, Any]:
    return {
        "Cluster": "tally",
        "Task": DEFINITION,
        "Subnets": ["subnet-1", "subnet-2"],
        "SecurityGroup": "sg-1",
    }


def _expect_run(ecs: Stubber) -> None:
    network = {
        "subnets": ["subnet-1", "subnet-2"],
        "securityGroups": ["sg-1"],
        "assignPublicIp": "DISABLED",
    }
    ecs.add_response(
        "run_task",
        {"tasks": [{"taskArn": TASK}], "failures": []},
        {
            "cluster": "tally",
            "taskDefinition": DEFINITION,
            "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": network},
        },
    )


def _expect_look(ecs: Stubber, **task: Any) -> None:
    found = {"taskArn": TASK, "containers": [{}], **task}
    ecs.add_response("describe_tasks", {"tasks": [found]}, {"cluster": "tally", "tasks": [TASK]})


def test_the_task_is_waited_for(run_task: ModuleType, stubs: Stubs, told: Told) -> None:
    _expect_run(stubs("ecs"))
    for status in ("PROVISIONING", "RUNNING"):
        _expect_look(stubs("ecs"), lastStatus=status)
    _expect_look(stubs("ecs"), lastStatus="STOPPED", containers=[{"exitCode": 0}])
    run_task.handler(told.event("Update", **_run_properties()), None)
    assert told.bodies[0]["Status"] == "SUCCESS"
    assert told.bodies[0]["Data"] == {"Arn": TASK}


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ({"containers": [{"exitCode": 1}]}, "ended with 1: see its log"),
        ({"stoppedReason": "CannotPullContainerError"}, "CannotPullContainerError"),
    ],
)
def test_a_task_that_fails_fails_the_stack(
    run_task: ModuleType, stubs: Stubs, told: Told, end: dict[str, Any], reason: str
) -> None:
    _expect_run(stubs("ecs"))
    _expect_look(stubs("ecs"), lastStatus="STOPPED", **end)
    run_task.handler(told.event(**_run_properties()), None)
    assert told.bodies[0]["Status"] == "FAILED"
    assert reason in told.bodies[0]["Reason"]


def test_a_task_that_never_ends_fails_the_stack_in_time(
    run_task: ModuleType, stubs: Stubs, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_task, "WAIT_SECONDS", -1)
    _expect_run(stubs("ecs"))
    run_task.handler(told.event(**_run_properties()), None)
    assert "hasn't ended" in told.bodies[0]["Reason"]


def test_a_task_that_can_not_be_placed_fails_the_stack(
    run_task: ModuleType, stubs: Stubs, told: Told
) -> None:
    failure = {"tasks": [], "failures": [{"reason": "Capacity is unavailable"}]}
    stubs("ecs").add_response("run_task", failure)
    run_task.handler(told.event(**_run_properties()), None)
    assert "Capacity is unavailable" in told.bodies[0]["Reason"]


def _expect_export(stubs: Stubs) -> None:
    password = {"SecretString": "password"}
    stubs("secretsmanager").add_response(
        "get_secret_value", password, {"SecretId": SECRET.format("password")}
    )
    for status in ("PENDING_VALIDATION", "ISSUED"):
        described = {"Certificate": {"CertificateArn": CERTIFICATE, "Status": status}}
        stubs("acm").add_response(
            "describe_certificate", described, {"CertificateArn": CERTIFICATE}
        )
    stubs("acm").add_response(
        "export_certificate",
        {"Certificate": "CERT", "CertificateChain": "CHAIN\n", "PrivateKey": "KEY\n"},
        {"CertificateArn": CERTIFICATE, "Passphrase": b"password"},
    )
    content = {
        "certificate": "CERT\nCHAIN\n",
        "privateKey": "KEY\n",
        "privateKeyPassword": "password",
        "bundle": "CERT\nCHAIN\nKEY\n",
    }
    stubs("secretsmanager").add_response(
        "put_secret_value",
        {"ARN": SECRET.format("bundle")},
        {"SecretId": SECRET.format("bundle"), "SecretString": json.dumps(content)},
    )


def test_a_certificate_becomes_a_secret(
    client_certificate: ModuleType, stubs: Stubs, told: Told
) -> None:
    _expect_export(stubs)
    client_certificate.handler(told.event(Certificate=CERTIFICATE), None)
    assert told.bodies[0]["Status"] == "SUCCESS"
    assert told.bodies[0]["Data"] == {"SecretArn": SECRET.format("bundle")}
    assert "password" not in json.dumps(told.bodies)


def test_a_renewed_certificate_becomes_a_secret(
    client_certificate: ModuleType, stubs: Stubs
) -> None:
    _expect_export(stubs)
    event = {
        "source": "aws.acm",
        "detail-type": "ACM Certificate Available",
        "resources": [CERTIFICATE],
    }
    client_certificate.handler(event, None)
