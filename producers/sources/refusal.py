"""Why a service doesn't send what it should: worth another try, or for a person to look at."""

from streams.errors import BadInputError, SettingError

_WORTH_A_RETRY = {408, 420, 429}


class DroppedError(Exception):
    """The stream ended; it is worth trying again."""


class AnsweredError(DroppedError):
    """The server answered `status` instead of sending its stream."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


def refusal(status: int, service: str, variable: str, wanted: str, remedy: str = "") -> Exception:
    """What to raise for a status of `service` that isn't success.

    `variable` holds the token, and `wanted` says which one is; `remedy` is for bad requests.
    """
    if status in (401, 403):
        problem = f"is missing, or refused by {service} (HTTP {status})"
        return SettingError(variable, problem, wanted)
    if 400 <= status < 500 and status not in _WORTH_A_RETRY:
        return BadInputError(f"{service} refuses the request (HTTP {status})", remedy)
    return AnsweredError(status)
