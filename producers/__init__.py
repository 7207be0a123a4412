"""Sources that feed the input topic with hashtags: one command, a sub-command each."""
