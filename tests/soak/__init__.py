"""Long tests of endurance: `python -m tests.soak`; see `--help`."""
