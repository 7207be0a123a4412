"""fastavro's reader in Python, which reads types that hold themselves: slower, but bounded."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import MisfitError
from streams.schemas.avro import AvroSchema, as_json

NODE = """{"type": "record", "name": "Node", "fields": [
  {"name": "tag", "type": "string"}, {"name": "next", "type": ["null", "Node"]}]}"""
TREE = """{"type": "record", "name": "Tree", "fields": [
  {"name": "n", "type": "long"},
  {"name": "more", "type": {"type": "array", "items": "Tree"}}]}"""

#: Reads a chain of 100,000 by the compiled reader.
CRASH = f"""
from io import BytesIO
from fastavro import parse_schema, schemaless_reader
import json
node = parse_schema(json.loads({NODE!r}))
schemaless_reader(BytesIO(b"\\0\\2" * 100_000 + b"\\0\\0"), node, None)
"""

trees = st.recursive(
    st.builds(lambda n: {"n": n, "more": []}, st.integers(-(2**63), 2**63 - 1)),
    lambda inner: st.builds(
        lambda n, more: {"n": n, "more": more}, st.integers(0, 100), st.lists(inner, max_size=3)
    ),
    max_leaves=10,
)


@given(trees)
def test_trees_round_trip(tree: object) -> None:
    schema = AvroSchema(TREE)
    written = schema.write(tree)
    assert schema.read(written) == tree
    assert schema.read(written, AvroSchema(TREE)) == tree
    with pytest.raises(MisfitError, match="goes on"):
        schema.read(written + b"x")


@pytest.mark.parametrize("depth", [50, 1_000, 100_000])
def test_a_chain_of_any_length_is_a_value_or_a_misfit(depth: int) -> None:
    schema = AvroSchema(NODE)
    chain = b"\0\2" * depth + b"\0\0"
    if depth == 50:
        assert as_json(schema.read(chain)).count("tag") == depth + 1
        return
    with pytest.raises(MisfitError, match="recursion"):
        schema.read(chain)


def test_the_compiled_reader_still_needs_this() -> None:
    crashed = subprocess.run([sys.executable, "-c", CRASH], capture_output=True, check=False)
    assert crashed.returncode < 0, "read by a reader that knows a bound: the hook can go"
