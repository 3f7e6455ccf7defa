"""`python -m shelterplan.cli`."""

from shelterplan.cli import main

if __name__ == "__main__":
    main()
