"""Who we are to Kafka: passwords, tokens and certificates that may change while we run."""
