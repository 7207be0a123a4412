"""What the gateway offers to its sources."""

from dataclasses import dataclass

from producers.ingest.checkpoints import Checkpoints
from producers.ingest.formats import TopicFormats
from producers.ingest.keys import key_within
from producers.ingest.outlet import Outlet
from producers.ingest.record import Record
from producers.ingest.site import Site
from streams import metrics
from streams.errors import MisfitError
from streams.settings import Settings
from streams.tasks.asides import VALUE_BYTES


@dataclass(frozen=True)
class Gateway:
    """See the module."""

    settings: Settings
    outlet: Outlet
    checkpoints: Checkpoints
    site: Site
    formats: TopicFormats

    def record(
        self, source: str, value: bytes, key: bytes | None = None, identity: str = ""
    ) -> Record:
        """A record of a source with one topic; the key is found in its JSON if it has none.

        It is a dead letter if it is too long, or isn't what its topic holds: the source could only
        bring it again and again.
        """
        if key is None and self.settings.ingest.key_field is not None:
            key = key_within(value, self.settings.ingest.key_field)
        record = Record(topics_of(self.settings, source)[0], value, key, identity)
        longest = self.settings.ingest.max_record_bytes
        try:
            encoded = self.formats.encoded(record)
        except MisfitError as exc:
            return self._dead_letter(record, exc.happened)
        if encoded.size <= longest:
            return encoded
        return self._dead_letter(record, f"its {encoded.size:,} bytes are more than {longest:,}")

    def _dead_letter(self, record: Record, reason: str) -> Record:
        metrics.DEAD_LETTERS.labels(record.topic).inc()
        longest = self.settings.ingest.max_record_bytes
        cut = min(VALUE_BYTES, longest // 2)
        return Record(
            self.settings.dead_letter_topic,
            (record.value or b"")[:cut],
            None if record.key is None else record.key[:cut],
            record.identity,
            f"For {record.topic}: {reason}",
        )


def topics_of(settings: Settings, source: str) -> tuple[str, ...]:
    """Where a source's records may go."""
    return settings.ingest.topics.get(source, (settings.input_topic,))
