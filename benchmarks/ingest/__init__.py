"""HTTP ingestion, beside a bare aiohttp handler that only produces."""
