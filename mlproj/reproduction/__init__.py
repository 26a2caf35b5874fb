"""Doing a run again, and knowing whether it came out the same."""
