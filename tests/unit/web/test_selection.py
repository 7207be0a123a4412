"""What clients ask for, and the channels that come of it."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import RequestError
from streams.web.live.selection import ALL, Parameters, Selection

PARAMETERS = Parameters({"t1": ("hashtag", "key"), "t2": ("key", "symbol")})
NAMES = st.sampled_from(["hashtag", "key", "symbol"])
KEYS = st.text(st.characters(exclude_characters=",", exclude_categories=["Cs"]), min_size=1)


@given(st.lists(st.tuples(NAMES, st.lists(KEYS, min_size=1)), min_size=1))
def test_repeated_and_joined_keys_are_the_same(asked: list[tuple[str, list[str]]]) -> None:
    joined = [(name, ",".join(keys)) for name, keys in asked]
    repeated = [(name, key) for name, keys in asked for key in keys]
    over_the_wire = parse_qsl(urlencode(joined))
    assert PARAMETERS.keys_of(joined) == PARAMETERS.keys_of(repeated)
    assert PARAMETERS.keys_of(over_the_wire) == PARAMETERS.keys_of(joined)


@given(st.lists(st.tuples(st.text(), st.text())))
def test_other_parameters_are_no_keys(query: list[tuple[str, str]]) -> None:
    query = [(name, value) for name, value in query if name not in PARAMETERS.topics]
    with pytest.raises(RequestError, match="hashtag=KEY"):
        PARAMETERS.keys_of([*query, ("hashtag", ",,")])


@given(st.lists(st.tuples(st.booleans(), NAMES, st.lists(KEYS | st.just(ALL)))))
def test_channels_are_what_is_left_and_overlap_nowhere(
    steps: list[tuple[bool, str, list[str]]],
) -> None:
    selection = Selection(PARAMETERS, 10**6)
    wanted: set[tuple[str, str]] = set()
    for adds, name, keys in steps:
        if adds:
            selection.add(name, keys)
            wanted |= {(name, key) for key in keys}
        else:
            selection.remove(name, keys)
            wanted -= {(name, key) for key in keys}
    channels = selection.channels()
    topics = {(topic, key) for name, key in wanted for topic in PARAMETERS.topics[name]}
    every = {topic for topic, key in topics if key == ALL}
    assert {topic for topic, key in channels if key is None} == every
    assert {(topic, key.decode()) for topic, key in channels if key is not None} == {
        (topic, key) for topic, key in topics if topic not in every
    }
    named = {(topic, key) for topic, key in topics if key != ALL}
    assert {(topic, key.decode()) for topic, key in selection.named() if key is not None} == named
    assert len(selection) == len(wanted)


def test_too_many_keys_change_nothing() -> None:
    selection = Selection(PARAMETERS, 3)
    selection.add("key", ["a", "b"])
    with pytest.raises(RequestError, match="Too many keys"):
        selection.add("symbol", ["c", "d"])
    assert selection.as_lists() == {"key": ["a", "b"]}
    selection.add("key", ["a", "b", "c"])
    assert len(selection) == 3


def test_the_only_parameter_needs_no_name() -> None:
    assert PARAMETERS.the_only() is None
    assert Parameters({"t": ("hashtag", "key")}).the_only() == "hashtag"
