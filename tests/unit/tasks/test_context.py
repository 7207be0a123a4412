"""Keys go to the partitions that Java's clients and aiokafka choose."""

from typing import Any, cast

from aiokafka.partitioner import murmur2
from hypothesis import example, given
from hypothesis import strategies as st

from streams.tasks.context import TaskContext

unused = cast(Any, None)


@given(st.binary(max_size=40), st.integers(1, 256))
@example(b"", 3)
@example(b"\xff" * 7, 256)
def test_a_key_goes_to_the_partition_that_other_clients_choose(key: bytes, n: int) -> None:
    context = TaskContext(unused, unused, unused, {"out": n})
    assert context.partition_of("out", key) == (murmur2(key) & 0x7FFFFFFF) % n
