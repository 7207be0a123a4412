"""Questions that are passed on: to the owner, once, and never in circles."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from streams.core.columns import TP
from streams.errors import NotOwnerError, NotReadyError
from streams.jobs.hashtags import hashtags
from streams.settings import Settings
from streams.transport.app import StreamsApp
from streams.web.queries.forwarding import Forwarder, GatewayCounts
from streams.web.queries.question import Hop, Question
from streams.web.queries.worker_counts import WorkerCounts
from tests.queries.asking import Told, as_dict, count, serving

QUESTION = Question("Tag/.", "tag/.")
PARTIALS = TP("partials", 1)


@asynccontextmanager
async def answering(data: bytes | None) -> AsyncIterator[str]:
    """The URL of a server that answers each connection with the same bytes; None: never."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if data is None:
            await reader.read()
        else:
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


def worker_counts(owner: str | None, forwarder: Forwarder | None = None) -> WorkerCounts:
    """Those of a worker that doesn't run the task, and takes the one at `owner` for its owner."""

    class Tasks:
        async def open_counts(self, tp: TP, _key: bytes) -> Any:
            raise NotOwnerError(f"the task of {tp} doesn't run here")

    owners = {} if owner is None else {owner: {"partials": [0, 1]}, "http://b": {"partials": [2]}}
    app: Any = SimpleNamespace(
        tasks=Tasks(),
        task_of=lambda _table, _key: PARTIALS,
        router=SimpleNamespace(external_topics_metadata=lambda: owners),
    )
    return WorkerCounts(app, "table", forwarder or Forwarder())


async def test_a_worker_passes_a_question_on_to_the_owner() -> None:
    told = Told(count(1, 2))
    async with serving(told) as owner, serving(worker_counts(owner.url)) as ask:
        answer = await ask("/hashtags/Tag%2F%2E/open", Authorization="Bearer secret")
        assert answer.body == {"hashtag": "tag/.", "open": [as_dict(1, 2)]}
    assert told.asked == [Question("Tag/.", "tag/.", Hop.WORKER, "Bearer secret")]


async def test_a_worker_does_not_pass_on_what_a_worker_has_passed_on() -> None:
    told = Told(count(1, 2))
    async with serving(told) as owner, serving(worker_counts(owner.url)) as ask:
        assert (await ask("/hashtags/tag/open", Tally_Hop="worker")).status == 421
        assert told.asked == []
        assert (await ask("/hashtags/tag/open", Tally_Hop="gateway")).status == 200


async def test_two_workers_that_take_each_other_for_the_owner_do_not_go_in_circles() -> None:
    first, second = worker_counts(None), worker_counts(None)
    seen: list[Hop] = []

    def watched(counts: WorkerCounts) -> WorkerCounts:
        ask = counts.ask

        async def note(question: Question) -> Any:
            seen.append(question.hop)
            return await ask(question)

        counts.ask = note  # type: ignore[method-assign]
        return counts

    async with serving(watched(first)) as ask_first, serving(watched(second)) as ask_second:
        for counts, other in ((first, ask_second), (second, ask_first)):
            counts._app.router = SimpleNamespace(  # type: ignore[assignment]
                external_topics_metadata=lambda url=other.url: {url: {"partials": [1]}}
            )
        assert (await ask_first("/hashtags/tag/open")).status == 503
    assert seen == [Hop.CLIENT, Hop.WORKER]


async def test_a_worker_that_takes_itself_for_the_owner_asks_itself_once() -> None:
    counts = worker_counts(None)
    async with serving(counts) as ask:
        counts._app.router = SimpleNamespace(  # type: ignore[assignment]
            external_topics_metadata=lambda: {ask.url: {"partials": [1]}}
        )
        assert (await ask("/hashtags/tag/open")).status == 503


async def test_nobody_is_known_to_run_the_task() -> None:
    with pytest.raises(NotReadyError, match="no worker"):
        await worker_counts(None).ask(QUESTION)


async def test_gateways_that_are_told_to_ask_each_other_do_not_go_in_circles() -> None:
    gateway = GatewayCounts((), Forwarder())
    async with serving(gateway) as ask:
        gateway._workers.append(ask.url)  # itself
        answer = await ask("/hashtags/tag/open")
        assert answer.status == 503
        assert "gateway" in answer.body["detail"]


async def test_a_gateway_asks_the_next_worker_if_one_can_not_tell() -> None:
    told, broken = Told(count(1, 2)), Told()
    broken.error = NotReadyError("the worker is starting")
    async with serving(told) as good, serving(broken) as bad:
        nobody = "http://127.0.0.1:1"
        gateway = GatewayCounts((nobody, bad.url, good.url), Forwarder())
        assert await gateway.ask(QUESTION) == [count(1, 2)]
        assert await gateway.ask(QUESTION) == [count(1, 2)]
        await gateway.close()
    assert len(broken.asked) == 1, "who could tell is asked first the next time"
    assert told.asked[0].hop is Hop.GATEWAY


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"open": null}', b'{"open": [{"count": 1}]}', b"\xff", b'{"open": 7}']
)
async def test_what_is_no_answer_is_not_taken_for_one(body: bytes) -> None:
    async with answering(
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    ) as url:
        forwarder = Forwarder()
        with pytest.raises(NotReadyError):
            await forwarder.ask(url, QUESTION, Hop.WORKER)
        await forwarder.close()


async def test_an_endless_answer_is_cut_off() -> None:
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    async with answering(head + b" " * 3 * 2**20) as url:
        forwarder = Forwarder()
        with pytest.raises(NotReadyError, match="too much"):
            await forwarder.ask(url, QUESTION, Hop.WORKER)
        await forwarder.close()


async def test_a_redirect_is_not_followed() -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    async with answering(head) as url:
        forwarder = Forwarder()
        with pytest.raises(NotReadyError, match="302"):
            await forwarder.ask(url, QUESTION, Hop.WORKER)
        await forwarder.close()


async def test_a_worker_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.web.queries.forwarding.ANSWER_SECONDS", 0.2)
    async with answering(None) as url:
        forwarder = Forwarder()
        with pytest.raises(NotReadyError, match="reached"):
            await forwarder.ask(url, QUESTION, Hop.WORKER)
        await forwarder.close()


def test_the_app_knows_no_task_before_it_has_started() -> None:
    settings = Settings()
    app = StreamsApp(settings)
    hashtags(app, settings)
    with pytest.raises(NotReadyError, match="starting"):
        app.task_of("hashtag_counts", b"key")
