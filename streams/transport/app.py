"""The Faust application class: agents that receive batches, and windowed counts."""

from collections.abc import Callable
from typing import Any

import faust
from faust.types import AgentT, StreamT

from streams.core.windows import TumblingWindows
from streams.settings import Settings
from streams.tasks.batch import Body, run_body
from streams.tasks.topology import Topology, WindowedCount
from streams.transport.schema import BatchSchema
from streams.transport.table import CountTable


class StreamsApp(faust.App):
    """A Faust application whose agents work on batches, in transactions."""

    def __init__(self, settings: Settings, **options: Any) -> None:
        super().__init__(settings.app_id, **options)
        self.settings = settings
        #: The agents' bodies by the topic they read; the test driver runs the same ones.
        self.bodies: dict[str, Body] = {}
        self._counts: list[WindowedCount] = []

    @property
    def topology(self) -> Topology:
        """What the declared tables and agents come to."""
        return Topology(tuple(self._counts))

    def windowed_count(
        self, name: str, *, source: str, windows: TumblingWindows, selection: str, help: str = ""
    ) -> CountTable:
        """Declare a windowed count of the records of topic `source`.

        `selection` lists the functions that an agent of `source` applies to the values, in their
        order: stored counts depend on them, so starting with others is refused.
        """
        prefix = f"{self.settings.app_id}-{name}"
        count = WindowedCount(
            name=name,
            windows=windows,
            selection=selection,
            source_topic=source,
            partials_topic=f"{prefix}-repartition",
            changelog_topic=f"{prefix}-changelog",
        )
        self._counts.append(count)
        table = CountTable(
            self, count=count, partials=self._batch_topic(count.partials_topic), help=help
        )
        self.tables.add(table)
        return table

    def batch_agent(self, topic: str | faust.TopicT, *, name: str) -> Callable[[Body], AgentT[Any]]:
        """Make an agent of a function that iterates over a topic's batches."""
        channel = self._batch_topic(topic) if isinstance(topic, str) else topic

        def decorate(body: Body) -> AgentT[Any]:
            async def run(stream: StreamT[Any]) -> None:
                await run_body(body, aiter(stream))

            run.__doc__ = body.__doc__

            self.bodies[channel.get_topic_name()] = body
            return self.agent(channel, name=name)(run)

        return decorate

    def _batch_topic(self, name: str) -> faust.TopicT:
        # Offsets are committed in the tasks' transactions, so Faust has nothing to acknowledge.
        return self.topic(name, schema=BatchSchema(), acks=False)
