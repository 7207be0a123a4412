"""What queries answer, with stand-ins for workers and results."""

import asyncio
from collections.abc import Sequence

import pytest

from streams.errors import ForbiddenError, NotOwnerError, NotReadyError
from streams.web.queries import handlers
from streams.web.queries.forwarding import segment
from tests.queries.asking import Results, Told, as_dict, check_schema, count, serving


async def test_a_hashtag_has_open_and_closed_windows() -> None:
    results, told = Results(), Told(count(4, 3), count(5, 1))
    async with serving(told, results) as ask:
        for window in (2, 3):
            results.final("#kafka", window, window + 5)
        answer = await ask("/hashtags/%23Kafka%20")
        assert answer.body == {
            "hashtag": "#kafka",
            "open": [as_dict(4, 3), as_dict(5, 1)],
            "windows": [as_dict(3, 8), as_dict(2, 7)],
        }
        assert answer.headers["Cache-Control"] == "no-store"
        assert (await ask("/hashtags/%23kafka/open")).body == {
            "hashtag": "#kafka",
            "open": [as_dict(4, 3), as_dict(5, 1)],
        }
    assert [question.key for question in told.asked] == [b"#kafka", b"#kafka"]
    assert told.closed
    assert results.holders == 0


async def test_a_window_is_not_in_both_lists() -> None:
    results = Results()
    async with serving(Told(count(3, 8), count(4, 1)), results) as ask:
        results.final("tag", 3, 8)
        body = (await ask("/hashtags/tag")).body
    assert body["open"] == [as_dict(4, 1)]
    assert body["windows"] == [as_dict(3, 8)]


async def test_a_gateway_without_workers_says_that_it_does_not_know() -> None:
    results = Results()
    async with serving(None, results) as ask:
        results.final("tag", 3, 8)
        assert (await ask("/hashtags/tag")).body == {
            "hashtag": "tag",
            "open": None,
            "windows": [as_dict(3, 8)],
        }
        answer = await ask("/hashtags/tag/open")
        assert answer.status == 503
        assert "STREAMS_LIVE_WORKERS" in answer.body["detail"]


@pytest.mark.parametrize(
    ("path", "hashtag"),
    [
        ("%C3%84%C3%B6", "äö"),
        ("%F0%9F%98%80", "😀"),  # one character, but two in Java
        ("a%2Fb", "a/b"),
        ("..%2F", "../"),
        ("%2E%2E", ".."),
        ("%20%20", ""),
        ("a%00b", "a\x00b"),
        ("50%25", "50%"),
        ("a+b", "a+b"),
        ("%7Btag%7D", "{tag}"),
        ("a%2523", "a%23"),
    ],
)
async def test_a_tag_is_what_the_job_counts_it_under(path: str, hashtag: str) -> None:
    told = Told()
    async with serving(told) as ask:
        assert (await ask(f"/hashtags/{path}")).body["hashtag"] == hashtag
    assert told.asked[0].hashtag == hashtag


@pytest.mark.parametrize("text", ["/", "..", "a.b", "%", "ä?#&", "a b", "\x00", "😀"])
def test_a_text_is_one_segment_of_a_path(text: str) -> None:
    assert segment(text).isascii()
    assert not set(segment(text)) & set("/.?#& ")


@pytest.mark.parametrize(
    "path",
    [
        "/hashtags/%FF%FE",
        "/hashtags/" + 4097 * "a",
        "/windows/latest?top=0",
        "/windows/latest?top=1001",
        "/windows/latest?top=-1",
        "/windows/latest?top=x",
        "/windows/latest?top=",
        "/windows/latest?top=1&top=2",
        "/windows/latest?top=%D9%A1",  # a digit, but not of ours
        "/windows/latest?top=" + 5000 * "1",
    ],
)
async def test_what_makes_no_sense_is_refused(path: str) -> None:
    async with serving(Told()) as ask:
        assert (await ask(path)).status == 400


@pytest.mark.parametrize(
    "path",
    [
        "/hashtags/",
        "/hashtags/a/b/c",
        "/nothing",
        "/windows/oldest",
        "/hashtags/x",
        "/hashtags/x/open",
    ],
)
async def test_what_is_not_there(path: str) -> None:
    """The job drops what has one character."""
    async with serving(Told()) as ask:
        assert (await ask(path)).status == 404


async def test_queries_are_only_read() -> None:
    async with serving(Told()) as ask:
        answer = await ask("/hashtags/tag", "POST")
        assert answer.status == 405
        assert set(answer.headers["Allow"].split(",")) == {"GET", "HEAD"}
        assert (await ask("/hashtags/tag", "HEAD")).status == 200


async def test_while_nobody_can_tell_it_is_503() -> None:
    told = Told()
    told.error = NotReadyError("the task of partials-0 is opening")
    async with serving(told) as ask:
        for path in ("/hashtags/tag", "/hashtags/tag/open"):
            answer = await ask(path)
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "1"
            assert "is opening" in answer.body["detail"]


async def test_too_many_questions_at_the_same_time_are_503(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handlers, "AT_A_TIME", 1)
    monkeypatch.setattr(handlers, "ANSWER_SECONDS", 2.0)
    told = Told()
    told.may_answer.clear()
    async with serving(told) as ask:
        answers = await asyncio.gather(*(ask("/hashtags/tag/open") for _ in range(3)))
        assert [answer.status for answer in answers] == [503] * 3
        assert sum("too many" in answer.body["detail"] for answer in answers) > 0
        told.may_answer.set()
        assert (await ask("/hashtags/tag/open")).status == 200


async def test_who_is_not_the_owner_says_so_to_a_worker() -> None:
    told = Told()
    told.error = NotOwnerError("the task of partials-0 doesn't run here")
    async with serving(told) as ask:
        assert (await ask("/hashtags/tag/open", Tally_Hop="worker")).status == 421
        for nonsense in ("nonsense", ""):
            assert (await ask("/hashtags/tag/open", Tally_Hop=nonsense)).status == 400


async def test_results_that_can_not_be_read_back_are_503() -> None:
    results = Results()
    results.is_ready = False
    async with serving(Told(), results) as ask:
        for path in ("/hashtags/tag", "/windows/latest"):
            assert (await ask(path)).status == 503
        assert (await ask("/hashtags/tag/open")).status == 200


async def test_a_topic_that_is_not_followed_is_not_known() -> None:
    async with serving(Told(), Results(["other"])) as ask:
        answer = await ask("/windows/latest")
        assert answer.status == 404
        assert "STREAMS_LIVE_TOPICS" in answer.body["detail"]


async def test_tokens_are_asked_for() -> None:
    async with serving(Told(), refused=ForbiddenError("Not allowed")) as ask:
        assert (await ask("/hashtags/allowed")).status == 200
        for path in ("/hashtags/tag", "/hashtags/tag/open", "/windows/latest"):
            assert (await ask(path)).status == 403


@pytest.mark.parametrize(
    ("query", "expected"),
    [("", ["b", "a", "c"]), ("?top=2", ["b", "a"]), ("?top=1000", ["b", "a", "c"])],
)
async def test_the_latest_window(query: str, expected: Sequence[str]) -> None:
    results = Results()
    async with serving(None, results) as ask:
        results.final("old", 1, 100)
        results.final("other", 3, 100, topic="another")
        for tag, n in {"a": 7, "b": 9, "c": 7}.items():
            results.final(tag, 2, n)
        body = (await ask(f"/windows/latest{query}")).body
    assert body["window_start"] == 40_000
    assert body["window_end"] == 60_000
    assert [one["hashtag"] for one in body["top"]] == expected
    assert body["top"][0] == {"hashtag": "b", "count": 9}


async def test_before_any_window_has_closed_there_is_no_latest() -> None:
    async with serving(None) as ask:
        answer = await ask("/windows/latest")
    assert answer.status == 200
    check_schema("Window", answer.body)
    assert answer.body == {"window_start": None, "window_end": None, "top": []}
