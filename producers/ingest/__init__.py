"""The ingestion gateway, `tally ingest`: records from many sides go to Kafka.

Each source is a module of `sources`; see `source.py` for what it has to do.
"""
