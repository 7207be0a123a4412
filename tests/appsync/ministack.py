"""ministack, asked through botocore as AWS would be."""

import contextlib
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session

from tests.appsync.processes import Process
from tests.polling import until
from tests.worker import free_port

REGION = "us-east-1"
#: What workers and we ourselves sign with.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


class Ministack:
    """Where it serves, and clients of its services."""

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def variables(self) -> dict[str, str]:
        """What leads an AWS client there."""
        return {
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(self, service: str) -> Any:
        """A botocore client."""
        return botocore.session.Session().create_client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def secret(self, name: str, text: str) -> str:
        """Make a secret; returns its ARN."""
        made = self.client("secretsmanager").create_secret(Name=name, SecretString=text)
        return str(made["ARN"])

    def table(self, name: str) -> None:
        """Make the table of the typed API, whose items expire."""
        dynamodb = self.client("dynamodb")
        dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        dynamodb.update_time_to_live(
            TableName=name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": "expiresAt"},
        )

    def events_api(self, namespace: str = "default") -> tuple[str, str, str]:
        """Make an Events API; returns its HTTP and real-time hosts, and a key."""
        appsync = self.client("appsync")
        auth = [{"authType": "API_KEY"}]
        api = appsync.create_api(
            name="tally",
            eventConfig={
                "authProviders": auth,
                "connectionAuthModes": auth,
                "defaultPublishAuthModes": auth,
                "defaultSubscribeAuthModes": auth,
            },
        )["api"]
        appsync.create_channel_namespace(apiId=api["apiId"], name=namespace)
        key = appsync.create_api_key(apiId=api["apiId"])["apiKey"]["id"]
        return api["dns"]["HTTP"], api["dns"]["REALTIME"], key


@contextlib.contextmanager
def run_ministack(folder: Path, **variables: str) -> Iterator[Ministack]:
    """Run it, with these variables, as long as the context lasts."""
    port = free_port()
    peer = Ministack(f"http://127.0.0.1:{port}")
    where = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "MINISTACK_HOST": "localhost"}
    command = [sys.executable, "-m", "ministack"]
    with Process("ministack", folder, command, {**where, **variables}) as process:

        def serves() -> bool:
            with contextlib.suppress(OSError):
                return bool(urllib.request.urlopen(f"{peer.url}/_ministack/health").status == 200)
            return False

        until(serves, "ministack serves", 180, process.tail)
        yield peer
