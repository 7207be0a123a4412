"""Who may see what in these tests, and what a client sees that stays outside."""

import json
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.live.gateways import RunningGateway

CANARY = "canary-in-a-coal-mine"
ADMIN = "canary-in-a-gold-mine"
TOKENS = {
    CANARY: {"name": "anna", "keys": ["k0", "py*"]},
    ADMIN: {"name": "root", "keys": ["*"], "admin": True},
}
SITE = "https://example.org"


async def refused(served: RunningGateway, query: str, **options: Any) -> tuple[int, str]:
    """Status and detail of a refusal."""
    with pytest.raises(InvalidStatus) as caught:
        async with served.client(query, **options):
            pass
    response = caught.value.response
    assert response.headers["Content-Type"].startswith("application/problem+json")
    body = json.loads(response.body or b"")
    assert body["status"] == response.status_code
    return response.status_code, body["detail"]


def bearing(token: str, **headers: str) -> dict[str, Any]:
    """Options of a client that isn't a browser."""
    return {"additional_headers": {"Authorization": f"Bearer {token}", **headers}}
