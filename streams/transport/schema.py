"""Hands batches to agents as they are: Faust has nothing to decode in them."""

# ruff: noqa: ARG002  (the arguments are Faust's)

from typing import Any

import faust


class BatchSchema(faust.Schema[Any, Any]):
    """See the module: the message's value already is a `Batch`."""

    def loads_key(self, app: Any, message: Any, **options: Any) -> Any:
        return None

    def loads_value(self, app: Any, message: Any, **options: Any) -> Any:
        return message.value
