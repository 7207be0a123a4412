"""Tally: exactly-once windowed counts over Kafka, as a Faust application."""
