"""Sinks: what carries results from output topics to somewhere outside of Kafka."""
