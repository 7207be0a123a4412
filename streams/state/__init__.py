"""Windowed state: the store on disk, its changelog, and what is uncommitted in memory."""
