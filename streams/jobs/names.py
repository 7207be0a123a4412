"""Names of the jobs' tables; those of their topics are derived from them."""

HASHTAG_COUNTS = "hashtag_counts"
