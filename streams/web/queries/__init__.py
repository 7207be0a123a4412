"""Queries: counts of hashtags over HTTP, answered by whichever worker or gateway is asked."""
