"""Values that have schemas: Avro, whose schemas are in a registry; see `docs/design.md`."""
