"""Readers of the outside world: nothing else in the package opens a file or a connection."""
