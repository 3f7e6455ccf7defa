"""The errors this package raises. Each is also the built-in that a caller would expect."""


class ShelterplanError(Exception):
    """Base of every error raised on purpose: its text is written for the person at the screen."""


SHOWN_PROBLEMS = 12
"""How many problems of a table its message shows; `TableError.problems` has them all."""


class TableError(ShelterplanError, ValueError):
    """A table has problems, each with its row number and how to mend it.

    Examples
    --------
    >>> print(TableError("shelters", ["row 4: no name.", "row 9: no name."]))
    shelters: 2 problems. row 4: no name. row 9: no name.
    """

    def __init__(self, table: str, problems: list[str]) -> None:
        self.table = table
        self.problems = problems
        """All of them."""
        count = f"{len(problems):,} problem{'s' if len(problems) != 1 else ''}"
        more = len(problems) - SHOWN_PROBLEMS
        self.lines = [f"{table}: {count}.", *problems[:SHOWN_PROBLEMS]]
        """The message, line by line."""
        if more > 0:
            self.lines.append(f"... and {more:,} more.")
        super().__init__(" ".join(self.lines))


class NetworkError(ShelterplanError, ValueError):
    """A street network, or a place on it, cannot be used as given."""


class SourceError(ShelterplanError, ValueError):
    """A file or a downloaded answer cannot be read, or is not whole."""


class DownloadError(ShelterplanError, ConnectionError):
    """A download failed. Nothing was put in its place."""


class AreaError(ShelterplanError, ValueError):
    """A study area is missing, damaged or does not fit together."""


class UnknownNameError(ShelterplanError, KeyError):
    """A name (of a standard, a walker, a study area) is not known; the known ones are listed."""

    def __init__(self, what: str, name: str, known: list[str]) -> None:
        self.text = f"there is no {what} called {name!r}; known: {', '.join(sorted(known))}"
        super().__init__(self.text)

    def __str__(self) -> str:
        return self.text
