"""The archive: a topic's records as objects in S3, each record once."""
