"""`tally verify`: recompute the finals from the input topic, and compare them with the output."""
