"""The example on aws-amplify, run as it is shipped."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.appsync.processes import Process
from tests.appsync.simulator import FOLDER, KEY, Simulator, ask, simulator
from tests.polling import until

EXAMPLE = FOLDER.parents[1] / "examples" / "amplify"
PUBLISH = (
    "mutation ($name: String!, $data: AWSJSON!) { publish(name: $name, data: $data) { name data } }"
)


def publish(peer: Simulator, channel: str, number: int) -> None:
    """A result, as the sink sends it."""
    data = {
        "topic": "quotes",
        "key": channel,
        "value": {"price": number},
        "id": f"quotes-0-{number}",
    }
    ask(peer, PUBLISH, {"name": channel, "data": json.dumps(data)})


def test_two_channels(node: str, certificates: Mapping[str, Path], tmp_path: Path) -> None:
    for name in ("follow.js", "package.json"):
        shutil.copy(EXAMPLE / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(FOLDER / "node_modules")
    with simulator(node, certificates, tmp_path) as peer:
        variables = {
            "APPSYNC_ENDPOINT": peer.url,
            "APPSYNC_API_KEY": KEY,
            "NODE_EXTRA_CA_CERTS": str(peer.ca),
        }
        command = [node, str(tmp_path / "follow.js")]
        with Process("follow", tmp_path, command, variables) as example:
            example.until_said("Connected\n")

            def shown() -> list[str]:
                return [line for line in example.lines() if "price" in line]

            def first_is_shown() -> bool:
                # As it comes after a crash; and the connection may be there before it subscribes.
                publish(peer, "TESLA", 1)
                return bool(shown())

            until(first_is_shown, "the first result", 120, example.tail)
            publish(peer, "AMAZON", 2)
            publish(peer, "TESLA", 1)
            publish(peer, "AMAZON", 3)
            until(lambda: len(shown()) >= 3, "all results", 120, example.tail)
            assert shown() == [
                'TESLA TESLA {"price":1}',
                'AMAZON AMAZON {"price":2}',
                'AMAZON AMAZON {"price":3}',
            ]
