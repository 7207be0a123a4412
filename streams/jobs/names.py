"""Names of the jobs and of their tables; those of their topics are derived from the latter."""

#: What STREAMS_JOBS may name.
HASHTAGS, TICKERS = "hashtags", "tickers"

HASHTAG_COUNTS = "hashtag_counts"
TICKER_PRICES = "ticker_prices"
