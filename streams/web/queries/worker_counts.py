"""The counts of open windows as a worker gets them: from its own task, or from the owner of it."""

from streams.core.columns import TP
from streams.core.window_count import WindowCount
from streams.errors import NotOwnerError, NotReadyError
from streams.transport.app import StreamsApp
from streams.web.queries.forwarding import Forwarder
from streams.web.queries.question import Hop, Question


class WorkerCounts:
    """See the module. `table` is the windowed count that is asked for.

    Who runs which task comes with each assignment of the group, in Faust's protocol.
    """

    def __init__(self, app: StreamsApp, table: str, forwarder: Forwarder) -> None:
        self._app = app
        self._table = table
        self._forwarder = forwarder

    async def ask(self, question: Question) -> list[WindowCount]:
        tp = self._app.task_of(self._table, question.key)
        if self._app.tasks is None:
            raise NotReadyError("the worker is starting")
        try:
            return await self._app.tasks.open_counts(tp, question.key)
        except NotOwnerError:
            if question.hop is Hop.WORKER:
                raise
        owner = self._owner(tp)
        if owner is None:
            raise NotReadyError(f"no worker is known to run the task of {tp}")
        try:
            return await self._forwarder.ask(owner, question, Hop.WORKER)
        except NotOwnerError as exc:
            raise NotReadyError(f"the task of {tp} is moving: {exc.happened}") from exc

    async def close(self) -> None:
        await self._forwarder.close()

    def _owner(self, tp: TP) -> str | None:
        for url, topics in self._app.router.external_topics_metadata().items():
            if tp.partition in topics.get(tp.topic, ()):
                return url.rstrip("/")
        return None
