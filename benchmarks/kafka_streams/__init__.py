"""The same job as a Kafka Streams program (Java), to stand beside."""
