"""Live delivery: follows output topics, and hands each result to the web clients that want it."""
