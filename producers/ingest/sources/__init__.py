"""The sources: a module each, whose `source(gateway)` makes it."""
