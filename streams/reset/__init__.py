"""`tally reset`: makes an application ready to begin with other settings, or anew."""
