"""The engine: tasks, their transactions, and the batches they hand to agents.

Knows neither Faust nor aiokafka: what it needs of a cluster is in `core.ports`, so the test driver
runs the same code.
"""
