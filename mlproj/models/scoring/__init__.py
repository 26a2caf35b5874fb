"""A model asked in its own environment: the processes that load it, seen from this side of the connection."""
