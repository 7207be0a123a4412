"""An outlet whose acknowledgements a test gives, for what waits for them."""

from collections.abc import Sequence
from typing import cast

from producers.ingest.batch import Batch, Delivery
from producers.ingest.checkpoints import Checkpoints
from producers.ingest.formats import TopicFormats
from producers.ingest.gateway import Gateway
from producers.ingest.outlet import Outlet
from producers.ingest.record import Record
from producers.ingest.site import Site
from streams.errors import UndeliveredError
from streams.schemas.formats import Formats
from streams.settings import Settings


class Builder:
    """Takes any number of records."""

    def append(self, **_: object) -> bool:
        return True


class SlowOutlet:
    """Takes all; acknowledges at once if `held` is False, else when told to."""

    def __init__(self, *, held: bool = False) -> None:
        self.held = held
        self.taken: list[Record] = []
        self._batches: list[Batch] = []

    async def publish(self, records: Sequence[Record]) -> Delivery:
        batch = Batch(Builder(), "topic", 0)
        delivery = Delivery(records, lambda _: None)
        for record in records:
            batch.append(record)
            delivery.add(batch)
        self.taken += records
        self._batches.append(batch)
        if not self.held:
            self.acknowledge()
        return delivery

    def acknowledge(self) -> None:
        """All that was taken."""
        for batch in self._batches:
            batch.acknowledge(0)
        self._batches.clear()

    def refuse(self) -> None:
        """All that was taken and isn't acknowledged."""
        for batch in self._batches:
            batch.fail(UndeliveredError("refused"))
        self._batches.clear()

    def values(self, topic: str) -> list[bytes | None]:
        """What was published to a topic."""
        return [record.value for record in self.taken if record.topic == topic]


def gateway_of(outlet: SlowOutlet, settings: Settings) -> Gateway:
    """A gateway that publishes there."""
    real = cast(Outlet, outlet)
    site = Site(settings.ingest, real)
    formats = TopicFormats(settings, Formats(settings), {settings.input_topic})
    return Gateway(settings, real, Checkpoints(settings, real), site, formats)
