"""What a worker reports to Prometheus. Names end in their unit; times are seconds."""

from prometheus_client import Counter, Gauge, Histogram

RECORDS_IN = Counter("streams_records_in", "Records read from an input topic", ["topic"])
LATE = Counter("streams_late_records", "Records that came after their window had closed", ["topic"])
DEAD_LETTERS = Counter("streams_dead_letters", "Records that can't be processed", ["topic"])
RECORDS_OUT = Counter("streams_records_out", "Records committed to an output topic", ["topic"])
LAG = Gauge(
    "streams_lag_records",
    "Offsets of a topic that its task has yet to read, as of the last fetch",
    ["topic", "partition"],
)
OPEN_WINDOWS = Gauge("streams_open_windows", "Windows that have counts", ["table", "partition"])
WATERMARK_LAG = Gauge(
    "streams_watermark_lag_seconds", "Wall clock minus watermark", ["topic", "partition"]
)
COMMIT_SECONDS = Histogram(
    "streams_commit_seconds",
    "Time a transaction takes, the store's write included",
    ["stage"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
RESTORED = Counter(
    "streams_restored_records", "Changelog records replayed by restores", ["table", "partition"]
)
LAST_RESTORE = Gauge(
    "streams_last_restore_records",
    "Changelog records that the last restore replayed",
    ["table", "partition"],
)
RESTORE_REMAINING = Gauge(
    "streams_restore_remaining_records", "Offsets a restore has yet to read", ["table", "partition"]
)
STANDBY_LAG = Gauge(
    "streams_standby_lag_records",
    "Offsets of the changelog that a standby has yet to read",
    ["table", "partition"],
)
REBALANCES = Counter("streams_rebalances", "Rebalances this worker took part in")
ASSIGNED_TASKS = Gauge("streams_assigned_tasks", "Tasks this worker owns", ["state"])
STALLED_TASKS = Gauge(
    "streams_stalled_tasks", "Tasks that make no progress although there is something to do"
)
TASK_FAILURES = Counter("streams_task_failures", "Tasks that closed by an error", ["error"])
SINK_DELIVERED = Counter("streams_sink_delivered", "Results that were accepted outside", ["sink"])
SINK_REJECTED = Counter(
    "streams_sink_rejected", "Results that can never be delivered: dead letters", ["sink"]
)
SINK_RETRIES = Counter(
    "streams_sink_retries", "Requests whose results have to be sent again", ["sink", "reason"]
)
SINK_IN_FLIGHT = Gauge(
    "streams_sink_in_flight", "Results read, and neither accepted nor rejected yet", ["sink"]
)
SINK_SECONDS = Histogram(
    "streams_sink_seconds",
    "Time from reading a result until it is accepted or rejected",
    ["sink"],
    buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300),
)
ARCHIVE_OBJECTS = Counter("streams_archive_objects", "Objects stored, repeats included", ["topic"])
ARCHIVE_BYTES = Counter("streams_archive_bytes", "Their bytes", ["topic"])
LIVE_CONNECTIONS = Gauge("streams_live_connections", "WebSocket connections")
LIVE_REFUSED = Counter("streams_live_refused", "WebSocket requests refused", ["status"])
LIVE_DELIVERIES = Counter("streams_live_deliveries", "Results handed to WebSocket connections")
LIVE_EVICTIONS = Counter("streams_live_evictions", "WebSocket connections closed by us", ["reason"])
LIVE_CONFLATED = Counter(
    "streams_live_conflated",
    "Messages never sent to a slow client, for a newer one took their place",
)
LIVE_QUEUE_BYTES = Gauge("streams_live_queue_bytes", "Bytes that wait for WebSocket clients")
LIVE_REPLAYS = Counter("streams_live_replays", "Resumed connections, by what served them", ["from"])
SCHEMA_LOOKUPS = Counter(
    "streams_schema_lookups", "Questions to the schema registry by their outcome", ["outcome"]
)
INGEST_BUFFER = Gauge(
    "streams_ingest_buffer_bytes", "Records taken in that Kafka hasn't acknowledged"
)
INGEST_PUBLISHED = Counter(
    "streams_ingest_published", "Records taken in that Kafka has acknowledged", ["topic"]
)
INGEST_REFUSED = Counter(
    "streams_ingest_refused", "Records taken in that Kafka has refused for good", ["topic"]
)
INGEST_TROUBLE = Counter(
    "streams_ingest_trouble", "Times that a source couldn't be read and was begun anew", ["source"]
)
INGEST_DROPPED = Counter(
    "streams_ingest_dropped",
    "Messages sent without a promise (MQTT, QoS 0) that there was no room for",
    ["source"],
)


def from_zero(counter: Counter, *labels: str) -> None:
    """Export a counter before it counts: an alert sees no increase in a series that is new."""
    counter.labels(*labels)
