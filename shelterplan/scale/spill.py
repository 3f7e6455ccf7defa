"""Records laid aside on disk by a number and fetched again by it: joins that need little memory."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from shelterplan.sources.streets import Ints

Records = npt.NDArray[np.void]
AT_ONCE: int = 1 << 20
"""Records that are read together."""


@dataclass(frozen=True)
class Spill:
    """A folder for what does not fit into memory; it is gone at the end.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     spill = Spill.fresh(Path(folder) / ".spill")
    ...     records = np.array([(5,), (6,), (7,)], dtype=[("id", "<i8")])
    ...     spill.lay("nodes", np.array([1, 0, 1]), records)
    ...     spill.fetch("nodes", 1, records.dtype)["id"].tolist()
    [5, 7]
    """

    folder: Path

    @classmethod
    def fresh(cls, folder: Path) -> Spill:
        """Make the folder; what an earlier run left in it is thrown away."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return cls(folder)

    def remove(self) -> None:
        """Throw everything away."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name: str, number: int | str) -> Path:
        """Return the file of a kind of record and a number."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder / str(number)

    def add(self, name: str, number: int, records: Records) -> None:
        """Append records to those of a number."""
        with self.path(name, number).open("ab") as stream:
            stream.write(records.tobytes())  # unlike `tofile`, it says why it fails

    def lay(self, name: str, numbers: Ints, records: Records) -> None:
        """Append each record to those of its number, in the order in which they come."""
        order = np.argsort(numbers, kind="stable")
        ordered, records = numbers[order], records[order]
        first = np.flatnonzero(np.diff(ordered, prepend=-1))
        for group in np.split(np.arange(ordered.size), first[1:]) if first.size else []:
            self.add(name, int(ordered[group[0]]), records[group[0] : group[-1] + 1])

    def fetch(self, name: str, number: int, dtype: np.dtype[Any]) -> Records:
        """Return all records of a number, in the order in which they came."""
        path = self.path(name, number)
        return np.fromfile(path, dtype=dtype) if path.exists() else np.zeros(0, dtype=dtype)

    def parts(self, name: str, number: int, dtype: np.dtype[Any]) -> Iterator[Records]:
        """Yield the records of a number, some at a time."""
        path = self.path(name, number)
        if path.exists():
            with path.open("rb") as stream:
                while (records := np.fromfile(stream, dtype=dtype, count=AT_ONCE)).size:
                    yield records

    def drop(self, name: str, number: int | None = None) -> None:
        """Throw away the records of a number, or a whole kind of record."""
        if number is None:
            shutil.rmtree(self.folder / name, ignore_errors=True)
        else:
            self.path(name, number).unlink(missing_ok=True)

    def size(self) -> int:
        """Return how much there is [bytes]."""
        return sum(
            (Path(folder) / file).stat().st_size
            for folder, _, files in os.walk(self.folder)
            for file in files
        )
