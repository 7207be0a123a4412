"""The archive, beside plain writers of the same data."""
