"""How to test a job of one's own: words counted by minutes, without a Kafka."""

from streams.core.text import longer_than_one
from streams.core.windows import TumblingWindows
from streams.settings import Settings
from streams.tasks.batch import Batches
from streams.testing import TestDriver
from streams.transport.app import StreamsApp

MINUTE = 60_000


def word_count() -> StreamsApp:
    """Counts each word of the topic `words` by minutes, into the topic `counts`."""
    app = StreamsApp(Settings(app_id="words"))
    words = app.windowed_count(
        "word_counts",
        source="words",
        windows=TumblingWindows(MINUTE, grace_ms=10_000),
        selection="longer_than_one, upper",
    )

    @app.batch_agent("words", name="count_words")
    async def count_words(batches: Batches) -> None:
        async for batch in batches:
            words.count(batch.text().filter(longer_than_one).map(str.upper))

    @app.batch_agent(words.partials, name="emit_counts", sends_to=["counts"])
    async def emit_counts(batches: Batches) -> None:
        async for batch in batches:
            words.merge(batch)
            for final in words.finals(batch):
                count = b"%d" % final.value
                batch.send("counts", key=final.key, value=count, timestamp=final.timestamp)

    return app


def test_words_are_counted_by_minutes() -> None:
    with TestDriver(word_count(), partitions={"words": 2}) as driver:
        driver.produce("words", "hello", timestamp=1_000, partition=0)
        driver.produce("words", "Hello", timestamp=59_999, partition=1)
        driver.produce("words", "a", timestamp=2_000)  # too short
        driver.run_until_idle()
        driver.crash_worker(0)  # neither lost nor counted twice
        driver.restart_worker(0, disk="empty")

        driver.produce("words", "world", timestamp=MINUTE + 10_000, partition=0)
        driver.run_until_idle()
        assert driver.read_output("counts") == []  # partition 1 may still have words to come

        driver.produce("words", "world", timestamp=MINUTE + 10_000, partition=1)
        driver.run_until_idle()
        (final,) = driver.read_output("counts")
        assert (final.key, final.value, final.timestamp) == (b"HELLO", b"2", 59_999)


def test_the_last_minute_closes_once_no_more_words_come() -> None:
    with TestDriver(word_count(), partitions={"counts": 1}) as driver:
        driver.produce("words", "bye", timestamp=driver.clock.now())
        driver.run_until_idle()
        # A source is idle after 60 s; then its minute and the grace have to pass.
        driver.advance_time(60_000 + MINUTE + 10_000)
        driver.run_until_idle()
        assert [(r.key, r.value) for r in driver.read_output("counts")] == [(b"BYE", b"1")]
