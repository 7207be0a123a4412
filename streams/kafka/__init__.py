"""A real Kafka cluster behind the engine's ports, on aiokafka."""
