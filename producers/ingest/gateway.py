"""What the gateway offers to its sources."""

from dataclasses import dataclass

from producers.ingest.checkpoints import Checkpoints
from producers.ingest.keys import key_within
from producers.ingest.outlet import Outlet
from producers.ingest.record import Record
from producers.ingest.site import Site
from streams import metrics
from streams.settings import Settings
from streams.tasks.asides import VALUE_BYTES


@dataclass(frozen=True)
class Gateway:
    """See the module."""

    settings: Settings
    outlet: Outlet
    checkpoints: Checkpoints
    site: Site

    def record(
        self, source: str, value: bytes, key: bytes | None = None, identity: str = ""
    ) -> Record:
        """A record of a source with one topic; the key is found in its JSON if it has none.

        It is a dead letter if it is too long: the source could only bring it again and again.
        """
        if key is None and self.settings.ingest.key_field is not None:
            key = key_within(value, self.settings.ingest.key_field)
        record = Record(topics_of(self.settings, source)[0], value, key, identity)
        if record.size <= self.settings.ingest.max_record_bytes:
            return record
        return self._dead_letter(record)

    def _dead_letter(self, record: Record) -> Record:
        metrics.DEAD_LETTERS.labels(record.topic).inc()
        longest = self.settings.ingest.max_record_bytes
        cut = min(VALUE_BYTES, longest // 2)
        return Record(
            self.settings.dead_letter_topic,
            (record.value or b"")[:cut],
            None if record.key is None else record.key[:cut],
            record.identity,
            f"For {record.topic}: its {record.size:,} bytes are more than {longest:,}",
        )


def topics_of(settings: Settings, source: str) -> tuple[str, ...]:
    """Where a source's records may go."""
    return settings.ingest.topics.get(source, (settings.input_topic,))
