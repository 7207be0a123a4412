"""The Avro schemas of what jobs read and write, where no file has another."""

#: Where hashtags are records, the field that has the text.
HASHTAG_FIELD = "hashtag"

HASHTAG = """{
  "type": "record", "name": "Hashtag", "namespace": "tally",
  "fields": [{"name": "hashtag", "type": "string"}]
}"""

FINAL = """{
  "type": "record", "name": "Final", "namespace": "tally",
  "doc": "How often a hashtag was mentioned from window_start to window_end, in epoch ms",
  "fields": [
    {"name": "hashtag", "type": "string"},
    {"name": "count", "type": "long"},
    {"name": "window_start", "type": "long"},
    {"name": "window_end", "type": "long"}
  ]
}"""
