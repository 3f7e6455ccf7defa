"""Fuzzing of every reader of what people bring: ``python -m tests.fuzz --seconds 300``."""
