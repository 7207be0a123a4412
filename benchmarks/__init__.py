"""How fast a worker is, and how soon a final result can be read. See `python -m benchmarks -h`."""
