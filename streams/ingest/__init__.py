"""Settings of the ingestion gateway, which itself is `producers.ingest`."""
