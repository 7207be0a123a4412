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

PRICE = """{
  "type": "record", "name": "Price", "namespace": "tally",
  "doc": "The price of a symbol at a time, in ISO 8601",
  "fields": [
    {"name": "event_time", "type": "string"},
    {"name": "ticker", "type": "string"},
    {"name": "price", "type": "double"}
  ]
}"""

_WINDOW = """{
  "type": "record", "name": "Candle", "namespace": "tally",
  "doc": "A symbol's prices from window_start to window_end, in epoch ms",
  "fields": [
    {"name": "ticker", "type": "string"},
    {"name": "open", "type": "double"},
    {"name": "high", "type": "double"},
    {"name": "low", "type": "double"},
    {"name": "close", "type": "double"},
    {"name": "count", "type": "long"},
    {"name": "window_start", "type": "long"},
    {"name": "window_end", "type": "long"}
  ]
}"""

#: A latest price, or a window.
TICKER_RESULT = f"[{PRICE}, {_WINDOW}]"
