"""The records in the bodies of requests."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.ingest.bodies import Keys, items_in, records_of
from streams.errors import RequestError

NO_KEYS = Keys(None, None)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | FINITE | st.text(),
    lambda some: st.lists(some) | st.dictionaries(st.text(), some),
    max_leaves=8,
)


@given(st.lists(VALUES), st.sampled_from(["", " ", "\n\t\r "]))
def test_items_are_what_json_says(items: list[object], space: str) -> None:
    texts = [json.dumps(item) for item in items]
    array = f"[{space}{f'{space},{space}'.join(texts)}{space}]"
    found = list(items_in(array))
    assert [item for _, item in found] == items
    assert [value.decode() for value, _ in found] == texts


@given(st.text(alphabet='[]{},:"1 -e.tnul\\\n'))
def test_what_is_no_array_is_refused(text: str) -> None:
    array = f"[{text}".strip()
    try:
        expected = json.loads(array)
    except json.JSONDecodeError:
        with pytest.raises(json.JSONDecodeError):
            list(items_in(array))
    else:
        assert [item for _, item in items_in(array)] == expected


def test_numbers_stay_as_they_were_written() -> None:
    body = b' [1.10, 1e400, 12345678901234567890.5, "\xc3\xa4\\u00e4"]\n'
    records = records_of("t", body, "application/json", NO_KEYS, "", 10)
    texts = [b"1.10", b"1e400", b"12345678901234567890.5", b'"\xc3\xa4\\u00e4"']
    assert [record.value for record in records] == texts


@pytest.mark.parametrize(
    ("body", "where"),
    [(b'[{"a": 1},\n {"b"}]', "line 2, column 6"), (b'[1, "\xff"]', "byte 5"), (b"[1] 2", "Extra")],
)
def test_where_it_is_wrong(body: bytes, where: str) -> None:
    with pytest.raises(RequestError, match=where):
        records_of("t", body, "application/json", NO_KEYS, "", 10)
