"""Hook: batches filled through aiokafka's compiled builder are those of its own `append`."""

from typing import Any

from aiokafka.producer.message_accumulator import BatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from streams.core.ports import Fields
from streams.kafka.producer import _fill

text = st.binary(max_size=40)
headers = st.lists(st.tuples(st.text(max_size=4), text), max_size=2).map(tuple)
records = st.lists(st.tuples(text, text | st.none(), st.integers(0, 2**40), headers), max_size=30)


def new_batch() -> Any:
    return BatchBuilder(400, 0, is_transactional=1)


@given(records)
def test_it_takes_as_many_records_and_makes_the_same_bytes(rows: list[Fields]) -> None:
    plain, filled = new_batch(), new_batch()
    taken = 0
    for key, value, timestamp, named in rows:
        if not plain.append(timestamp=timestamp, key=key, value=value, headers=list(named)):
            break
        taken += 1
    assert _fill(filled, rows) == taken == filled.record_count() == plain.record_count()
    filled.close()
    plain.close()
    assert bytes(filled._build()) == bytes(plain._build())
