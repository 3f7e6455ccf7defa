"""The rows that measures of equity look at: checked, those without people left aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from shelterplan.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import ArrayLike, NDArray

_NAMED_ROWS = 5


class Shared(NamedTuple):
    """Rows with people: what they have, and how many they are."""

    access: NDArray[np.float64]
    people: NDArray[np.float64]
    by: NDArray[np.float64]
    """What the rows are ranked by; the access itself if nothing else."""
    mean: float
    """Mean access of a person; NaN if it does not exist (no people, or an `inf`)."""

    @property
    def share(self) -> NDArray[np.float64]:
        """Share of all people in each row."""
        share: NDArray[np.float64] = self.people / self.people.sum()
        return share

    @property
    def relative(self) -> NDArray[np.float64] | None:
        """Access in multiples of its mean; None where there is nothing to compare with."""
        if not (np.isfinite(self.mean) and self.mean > 0):
            return None
        multiple: NDArray[np.float64] = self.access / self.mean
        return multiple


def shared(
    access: ArrayLike,
    population: ArrayLike,
    *,
    rank_name: str = "rank_by",
    rank_by: ArrayLike | None = None,
) -> Shared:
    """Return the rows with people, checked.

    Raises
    ------
    TableError
        With every row that is wrong; also if tables with different rows were put together.
    """
    given = {"access": access, "population": population}
    given |= {} if rank_by is None else {rank_name: rank_by}
    refuse_misfits(given)
    values = {name: numbers(name, column) for name, column in given.items()}
    people = values["population"]
    here = people > 0
    problems = list(told("population", population, np.isnan(people), "is unknown"))
    wrong = ~np.isnan(people) & ~(np.isfinite(people) & (people >= 0))
    problems += told("population", population, wrong, "is not a finite number >= 0")
    for name, column in given.items():
        if name != "population":
            unknown = here & np.isnan(values[name])
            problems += told(name, column, unknown, "is unknown; leave the row out, or give one")
    problems += told("access", access, here & (values["access"] < 0), "is negative")
    if problems:
        raise TableError("equity", problems)
    kept, counted = values["access"][here], people[here]
    finite = len(kept) > 0 and bool(np.isfinite(kept).all())
    return Shared(
        access=kept,
        people=counted,
        by=values[rank_name if rank_by is not None else "access"][here],
        mean=mean_of(kept, counted) if finite else float("nan"),
    )


def pooled(rows: Shared) -> Shared:
    """Return rows in the order of what they are ranked by; equal ones as one, with their mean."""
    values, which = np.unique(rows.by, return_inverse=True)
    people = sums(which, rows.people)
    access = sums(which, rows.people * rows.access) / people
    return Shared(access=access, people=people, by=values, mean=rows.mean)


def sums(
    which: NDArray[np.integer], values: NDArray[np.float64], count: int = 0
) -> NDArray[np.float64]:
    """Return the sum of the values of each group."""
    return np.bincount(which, values, count).astype(float)


def mean_of(access: NDArray[np.float64], people: NDArray[np.float64]) -> float:
    """Return the mean access of a person; NaN without people."""
    total = float(people.sum())
    return float((people * access).sum() / total) if total > 0 else float("nan")


def numbers(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return a column as numbers, NaN where it is not known."""
    try:
        column: NDArray[np.float64] = (
            values.to_numpy(float, na_value=np.nan)
            if isinstance(values, pd.Series)
            else np.asarray(values, float)
        )
    except (TypeError, ValueError) as error:
        raise TableError(name, [f"it must hold numbers ({error})."]) from error
    return column


def refuse_misfits(given: Mapping[str, ArrayLike]) -> None:
    """Raise if columns do not belong together: other lengths, or tables with other rows."""
    shapes = {name: np.shape(column) for name, column in given.items()}
    if len(set(shapes.values())) > 1 or len(shapes["access"]) != 1:
        got = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise TableError("equity", [f"each must have one number a row, got shapes {got}."])
    tables = {name: column for name, column in given.items() if isinstance(column, pd.Series)}
    labels = [column.index for column in tables.values()]
    if any(not one.equals(labels[0]) for one in labels):
        problem = f"{', '.join(tables)} have different row labels; reindex them to the same rows."
        raise TableError("equity", [problem])


def told(name: str, column: ArrayLike, wrong: NDArray[np.bool_], what: str) -> Iterator[str]:
    """Yield one sentence on the rows that are wrong, with their labels."""
    rows = np.flatnonzero(wrong)
    if not len(rows):
        return
    labels = column.index[rows] if isinstance(column, pd.Series) else rows
    named = ", ".join(f"row {label}" for label in labels[:_NAMED_ROWS])
    more = f" and {len(rows) - _NAMED_ROWS} more" if len(rows) > _NAMED_ROWS else ""
    yield f"{named}{more}: {name} {what}."
