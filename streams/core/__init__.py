"""Pure rules of windows, watermarks and counting: no client, no clock, no input or output."""
