"""Fan-out: one message to many WebSocket connections, by Tally's gateway and by others."""
