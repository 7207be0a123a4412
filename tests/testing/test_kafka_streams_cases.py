"""The test cases of the Kafka Streams program that the main job replaces."""

import struct

from streams.testing import OutputRecord, TestDriver
from tests.testing.hashtag_job import INPUT, OUTPUT, finals, job


def drive(driver: TestDriver, values: list[str]) -> None:
    """Values half a second apart, and one so late that all their windows close."""
    for i, value in enumerate(values):
        driver.produce(INPUT, value, i * 500)
    driver.produce(INPUT, "testy", 5_555_555_555)
    driver.run_until_idle()


GREETINGS = ["Hello", *["hello"] * 5, *["hola"] * 5, "howdy", "135", *[""] * 6]


def test_counts_what_is_mentioned_often() -> None:
    with TestDriver(job()) as driver:
        drive(driver, GREETINGS)
        assert finals(driver) == {("hello", 0): 6, ("hola", 0): 5}


def test_filters_trims_and_lowers() -> None:
    values = ["135", "Hello", *["hello"] * 4, "hola", "hola,", *["howdy"] * 6]
    values += [*["_"] * 5, *["++"] * 5, *[" "] * 6]
    with TestDriver(job()) as driver:
        drive(driver, values)
        assert finals(driver) == {("hello", 0): 5, ("howdy", 0): 6, ("++", 0): 5}


def test_finals_are_json_under_the_hashtag_stamped_by_the_windows_last_millisecond() -> None:
    with TestDriver(job(), partitions={OUTPUT: 3}) as driver:
        drive(driver, ["#Größe"] * 5)
        (final,) = driver.read_output(OUTPUT)
    assert final == OutputRecord(
        topic=OUTPUT,
        # murmur2 of the key as Java's producers use it, positive, modulo 3.
        partition=final.partition,
        offset=0,
        key="#größe".encode(),
        value='{"hashtag": "#größe", "count": 5, "window_start": 0, "window_end": 20000}'.encode(),
        timestamp=19_999,
        headers={},
    )


def test_finals_lie_where_java_producers_would_put_them() -> None:
    # From org.apache.kafka.common.utils.UtilsTest: murmur2 of these keys, as signed integers.
    java = {"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536}
    with TestDriver(job(), partitions={OUTPUT: 7}) as driver:
        drive(driver, [key for key in java for _ in range(5)])
        found = {r.key.decode(): r.partition for r in driver.read_output(OUTPUT) if r.key}
    assert found == {key: (hashed & 0x7FFFFFFF) % 7 for key, hashed in java.items()}


def test_the_long_format_is_that_of_javas_long_serializer() -> None:
    with TestDriver(job(output_format="long")) as driver:
        drive(driver, ["hello"] * 300)
        first, *_ = driver.read_output(OUTPUT)
    assert (first.key, first.value) == (b"hello", struct.pack(">q", 40))
