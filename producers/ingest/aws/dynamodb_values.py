"""DynamoDB's typed values as JSON has them."""

import base64
from typing import Any


def plain_item(item: dict[str, Any]) -> dict[str, Any]:
    """An item's attributes, or some of them."""
    return {name: plain(value) for name, value in item.items()}


def plain(typed: dict[str, Any]) -> Any:
    """A DynamoDB value as JSON has it; numbers beyond a double's precision stay text."""
    [(kind, value)] = typed.items()
    match kind:
        case "N":
            return number(value)
        case "NULL":
            return None
        case "B":
            return base64.b64encode(value).decode()
        case "L":
            return [plain(one) for one in value]
        case "M":
            return plain_item(value)
        case "NS":
            return [number(one) for one in value]
        case "BS":
            return [base64.b64encode(one).decode() for one in value]
    return value


def number(text: str) -> int | float | str:
    """A whole number of any size, a double if it is exactly that, else the text."""
    if text.lstrip("-").isdigit():
        return int(text)
    double = float(text)
    return double if len(text.lstrip("-0.").replace(".", "")) <= 15 else text
