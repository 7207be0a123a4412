"""Names of the jobs' tables, of which those of their topics are derived, and of fields."""

HASHTAG_COUNTS = "hashtag_counts"

#: Where hashtags are records, the field that has the text.
HASHTAG_FIELD = "hashtag"
