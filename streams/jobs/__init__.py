"""One file for each job, to be read from top to bottom."""
