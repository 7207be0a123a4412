"""`tally verify` against a real broker: it finds what is wrong, and nothing where nothing is."""

import asyncio

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from tests.verify.scribe import CLOSED, END, ROWS, Rows, Scribe, command, kinds, verify, window


def test_equal(app: Scribe) -> None:
    rows: Rows = [[*ROWS, END], [*ROWS[:50], END]]
    app.publish(app.count(rows))
    code, report = verify(app)
    assert (code, report["result"]) == (0, "equal"), report
    assert report["finals"] == {"expected": 20, "found": 20}
    assert report["windows"]["closed_by_input"] == 10
    assert report["records"] == len(rows[0]) + len(rows[1])
    assert report["differences"] == []


def test_each_difference_is_named(app: Scribe) -> None:
    finals = app.count(CLOSED)
    del finals["#a", window(1)]
    finals["#a", window(2)] = 6
    finals["#rare", window(3)] = 7
    app.publish([*finals.items(), (("#b", window(4)), 6), (("#b", window(2)), 6)])
    code, report = verify(app)
    assert code == 1
    assert sorted(kinds(report)) == [
        ("different", "#a", "2020-09-13T12:27:20Z", 5, 6),
        ("extra", "#rare", "2020-09-13T12:27:40Z", None, 7),
        ("missing", "#a", "2020-09-13T12:27:00Z", 5, None),
        ("repeated", "#b", "2020-09-13T12:27:20Z", None, 6),
        ("repeated", "#b", "2020-09-13T12:28:00Z", None, 6),
    ]
    assert report["counts"] == {"missing": 1, "different": 1, "repeated": 2, "extra": 1}
    told = command(app).stdout
    assert 'missing    2020-09-13T12:27:00Z - 2020-09-13T12:27:20Z  "#a": expected 5' in told
    assert '"#a": expected 5, found 6 (partition ' in told


def test_the_long_format(app: Scribe) -> None:
    finals = app.count(CLOSED)
    app.publish(finals, long=True)
    assert verify(app, STREAMS_OUTPUT_FORMAT="long")[0] == 0
    app.publish({("#a", window(3)): 5}, long=True)
    code, report = verify(app, STREAMS_OUTPUT_FORMAT="long")
    assert code == 1
    assert kinds(report) == [("repeated", "#a", "2020-09-13T12:27:40Z", None, 5)]
    # In the wrong format nothing can be read, which says nothing of the counts.
    code, report = verify(app)
    assert code == 2
    assert "None of 21 records" in report["error"]
    assert "STREAMS_OUTPUT_FORMAT" in report["error"]


def test_what_is_no_final_is_reported(app: Scribe) -> None:
    app.publish(app.count(CLOSED))
    asyncio.run(write_junk(app))
    code, report = verify(app)
    assert (code, report["unreadable"]) == (0, 1)
    assert any("its value is not a final in JSON" in note for note in report["notes"])


async def write_junk(app: Scribe) -> None:
    async with AIOKafkaProducer(**app.options) as producer:
        await producer.send_and_wait(app.output_topic, b"junk", b"key", timestamp_ms=window(4) - 1)


def test_finals_of_aborted_transactions_do_not_count(app: Scribe) -> None:
    finals = app.count(CLOSED)
    asyncio.run(publish_aborted(app))
    app.publish(finals)
    assert verify(app)[0] == 0


async def publish_aborted(app: Scribe) -> None:
    async with AIOKafkaProducer(**app.options, transactional_id=app.app_id) as producer:
        await producer.begin_transaction()
        await producer.send(app.output_topic, b"1", b"#a", timestamp_ms=window(1) - 1)
        await producer.send(app.input, b"#a", partition=0, timestamp_ms=window(0))
        await producer.abort_transaction()


def test_deleted_input_is_noted(app: Scribe) -> None:
    app.publish(app.count(CLOSED))
    asyncio.run(delete_records(app, 20))
    code, report = verify(app)
    assert code == 1
    assert any(f"beginning of {app.input}-0 is deleted" in note for note in report["notes"])
    assert verify(app, "--from", str(window(2)))[0] == 0


async def delete_records(app: Scribe, before: int) -> None:
    admin = AIOKafkaAdminClient(**app.options)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(app.input, 0): RecordsToDelete(before)})
    finally:
        await admin.close()
