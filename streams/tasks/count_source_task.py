"""The first stage of a count: compiled, and with each distinct value normalised but once."""

import functools

from streams.core.columns import TP
from streams.core.counting import SourceCounter
from streams.core.ports import Member
from streams.core.selection import Selector, Steps
from streams.core.values import Decoder, text_in
from streams.errors import TaskStoppedError
from streams.tasks.batch import Values
from streams.tasks.context import TaskContext
from streams.tasks.source_task import SourceTask
from streams.tasks.topology import WindowedTable

#: By the table's name too: another one may have as many partitions as it likes.
Selectors = dict[tuple[str, Steps], Selector]


class CountSourceTask(SourceTask[SourceCounter]):
    """See the module. Selectors are shared by a worker's tasks: they remember distinct values."""

    def __init__(
        self,
        tp: TP,
        context: TaskContext,
        member: Member,
        table: WindowedTable,
        selectors: Selectors,
    ) -> None:
        super().__init__(tp, context, member, table)
        self._selectors = selectors

    def _begin(self, stream_time: int) -> SourceCounter:
        return SourceCounter(self._windows, self._partitions, stream_time)

    def count(self, values: Values) -> None:
        selector = self._selector(values.steps)
        decoder = self._values.decoder
        if decoder is not None:
            # What is counted now can be read by this one; the selector remembers the others.
            selector.read = functools.partial(_text, decoder, values.field)
        self._source.count(values.batch.chunk, selector, self._newest_allowed)

    def _selector(self, steps: Steps) -> Selector:
        selector = self._selectors.get((self._table.name, steps))
        if selector is None:
            named = ", ".join(step.function.__name__ for step in steps)
            if named != self._table.selection:
                raise TaskStoppedError(
                    f"the agent of {self.tp.topic} selects by '{named}', but its table "
                    f"{self._table.name} is declared for '{self._table.selection}'",
                    "Declare the steps that the agent takes: stored counts depend on them",
                )
            selector = self._selectors[self._table.name, steps] = Selector(
                steps,
                lambda key: self.context.partition_of(self._table.partials_topic, key),
                self.context.settings.max_value_bytes,
            )
        return selector


def _text(decoder: Decoder, field: str | None, raw: bytes) -> str:
    return text_in(decoder.value(raw), field)
