"""Coverage by group: whom the sites of a plan cover in every district (or hazard, or scenario)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from shelterplan.siting.problem import Choice, as_capacity, as_cover, as_weights, is_whole
from shelterplan.siting.reduce import merge_rows, undominated
from shelterplan.siting.result import ROUNDING, SitingError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from shelterplan.siting.problem import Matrix, Sparse

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]


class Reached(NamedTuple):
    """Whom a plan covers."""

    people: float
    """Sum of the weights."""
    counted: Floats
    """Those that count for each group, shape (groups,)."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Demand:
    """Demand points with their groups: what a plan's figures are worked out from."""

    cover: Sparse
    """Shape (demand, sites)."""
    weights: Floats
    """People, shape (demand,)."""
    counted: Floats
    """Those of them that count for the share of their group, shape (demand,)."""
    group: NDArray[np.int64]
    """Number of each point's group, shape (demand,)."""
    names: tuple[Hashable, ...]
    """What the groups are called."""
    total: Floats
    """All that count in each group, also those outside the matrix, shape (groups,)."""

    @classmethod
    def of(
        cls,
        cover: Matrix,
        weights: ArrayLike | None,
        *,
        group: Sequence[Hashable] | NDArray[Any],
        counted: ArrayLike | None = None,
        total: Mapping[Any, float] | None = None,
    ) -> Demand:
        """Check and number the groups.

        Raises
        ------
        SitingError
            If a demand point has no group, or a total is less than what the matrix holds.

        Examples
        --------
        >>> found = Demand.of([[1], [1]], [3, 4], group=["north", "south"], total={"north": 5})
        >>> found.names, found.total.tolist()
        (('north', 'south'), [5.0, 4.0])
        """
        matrix = as_cover(cover)
        rows = matrix.shape[0]
        people = as_weights(weights, rows)
        count = people if counted is None else as_weights(counted, rows, "counted")
        names, number = _numbered(group, rows, () if total is None else total)
        inside = np.bincount(number, weights=count, minlength=len(names)).astype(float)
        return cls(
            cover=matrix,
            weights=people,
            counted=count,
            group=number,
            names=names,
            total=inside if total is None else _totals(names, inside, total),
        )

    def reached(self, selected: Iterable[int]) -> Reached:
        """Return whom sites cover, by plain counting."""
        chosen = np.zeros(self.cover.shape[1], bool)
        chosen[list(selected)] = True
        row = np.repeat(np.arange(self.cover.shape[0]), np.diff(self.cover.indptr))
        covered = np.zeros(self.cover.shape[0], bool)
        covered[row[chosen[self.cover.indices]]] = True
        return self.tally(covered.astype(float))

    def tally(self, part: Floats) -> Reached:
        """Return whom a plan covers that serves a part (0 to 1) of each demand point."""
        counted = np.bincount(self.group, weights=self.counted * part, minlength=len(self.names))
        return Reached(float(self.weights @ part), counted.astype(float))

    def share(self, counted: Floats) -> Floats:
        """Return the share of each group; NaN where nobody counts, shape (groups,)."""
        found = np.full(len(self.total), np.nan)
        np.divide(counted, self.total, out=found, where=self.total > 0)
        return found

    def worst(self, counted: Floats) -> float:
        """Return the share of the worst group; NaN if there is none."""
        share = self.share(counted)[self.total > 0]
        return float(share.min()) if share.size else np.nan

    def shares(self, counted: Floats) -> dict[Hashable, float]:
        """Return the share of each group by its name."""
        return dict(zip(self.names, self.share(counted).tolist(), strict=True))

    @property
    def slack(self) -> Floats:
        """By how many a floor may be missed and still be met, shape (groups,)."""
        return ROUNDING * np.maximum(self.total, 1.0)


def _numbered(
    group: Sequence[Hashable] | NDArray[Any], rows: int, more: Iterable[Any]
) -> tuple[tuple[Hashable, ...], NDArray[np.int64]]:
    """Give labels numbers, in the order in which they come."""
    labels = np.asarray(group).tolist() if hasattr(group, "__array__") else list(group)
    if len(labels) != rows:
        message = f"group: {rows} labels are needed, one a demand point, not {len(labels)}"
        raise SitingError(message)
    missing = np.flatnonzero(pd.isna(pd.Series(labels, dtype=object)).to_numpy())
    if missing.size:
        message = f"group: row {missing[0]} has none; give those without one a name of their own"
        raise SitingError(message)
    number: dict[Hashable, int] = {}
    for label in labels:
        number.setdefault(label, len(number))
    found = np.array([number[label] for label in labels], np.int64)
    for label in more:
        number.setdefault(label, len(number))
    return tuple(number), found


def _totals(
    names: tuple[Hashable, ...], inside: Floats, total: Mapping[Any, float]
) -> NDArray[np.float64]:
    found = np.array([total.get(name, here) for name, here in zip(names, inside, strict=True)])
    bad = np.flatnonzero(~(np.isfinite(found) & (found >= inside - ROUNDING * inside)))
    if bad.size:
        message = (
            f"total: group {names[bad[0]]!r} has {found[bad[0]]:g}, but {inside[bad[0]]:g} of it "
            "are in the matrix; give all of the group, those outside the matrix too"
        )
        raise SitingError(message)
    return np.asarray(np.maximum(found, inside), float)


@dataclass(frozen=True, eq=False, kw_only=True)
class Problem:
    """What is left to choose: a smaller covering model with the same best plans.

    Equal rows of one group are one row, and sites that another one outdoes are gone. Both keep
    every best plan, floors or none: a site that covers more never makes a group's share smaller.
    With capacities neither holds, and nothing is left out.
    """

    cover: Sparse
    """Shape (rows, columns)."""
    people: Floats
    """Shape (rows,)."""
    counted: Floats
    """Shape (rows,)."""
    group: NDArray[np.int64]
    """Shape (rows,)."""
    sites: NDArray[np.int64]
    """Site of each column, ascending, shape (columns,)."""
    must: Flags
    """Columns that are there already (with capacities only), shape (columns,)."""
    costs: Floats
    """Cost of each column, 0 if there is no budget, shape (columns,)."""
    count: int
    """Most columns that may be added."""
    budget: float
    """What they may cost; `inf`: any sum."""
    fixed: NDArray[np.int64]
    """Sites that are in every plan."""
    base: Reached
    """Whom the fixed sites cover, so that they are in no row."""
    capacity: Floats | None
    """Room of each column, shape (columns,); None: room for all."""

    @classmethod
    def of(cls, demand: Demand, choice: Choice, capacity: ArrayLike | None = None) -> Problem:
        """Return the smaller model."""
        sites = demand.cover.shape[1]
        costs = np.zeros(sites) if choice.costs is None else choice.costs
        count = len(choice.free) if choice.count is None else choice.count
        whole = cls(
            cover=demand.cover,
            people=demand.weights,
            counted=demand.counted,
            group=demand.group,
            sites=np.arange(sites),
            must=np.isin(np.arange(sites), choice.fixed),
            costs=costs,
            count=count,
            budget=choice.budget,
            fixed=choice.fixed,
            base=Reached(0.0, np.zeros(len(demand.names))),
            capacity=None,
        )
        if capacity is not None:
            return replace(
                whole, capacity=as_capacity(capacity, sites, float(demand.weights.sum()))
            )
        there = demand.reached(choice.fixed)
        near = demand.cover @ whole.must.astype(float) > 0
        left = ~near & ((demand.weights > 0) | (demand.counted > 0))
        rest = replace(
            whole,
            cover=sparse.csr_array(demand.cover[left]),
            people=demand.weights[left],
            counted=demand.counted[left],
            group=demand.group[left],
            base=there,
        )
        rest = rest.only(~whole.must & (costs <= choice.budget))
        return rest.only(undominated(rest.cover, rest.costs))

    def only(self, columns: Flags) -> Problem:
        """Return the model with some of its columns alone; rows that then are equal are one."""
        kept = sparse.csr_array(self.cover[:, np.flatnonzero(columns)])
        kept.sort_indices()
        merged = merge_rows(kept, self.people, self.group)
        inside = merged.group >= 0
        row, rows = merged.group[inside], merged.cover.shape[0]
        group = np.zeros(rows, np.int64)
        group[row] = self.group[inside]
        return replace(
            self,
            cover=merged.cover,
            people=merged.weights,
            counted=np.bincount(row, weights=self.counted[inside], minlength=rows).astype(float),
            group=group,
            sites=self.sites[columns],
            must=self.must[columns],
            costs=self.costs[columns],
            count=min(self.count, int(columns.sum())),
        )

    @property
    def whole(self) -> bool:
        """Whether whole numbers of people are covered, whatever is chosen."""
        return self.capacity is None and is_whole(np.r_[self.people, self.base.people])

    def column_flags(self, selected: Iterable[int]) -> Flags:
        """Return which columns are among sites; other sites are passed over."""
        return np.isin(self.sites, np.fromiter(selected, np.int64))

    def selected(self, columns: Flags) -> tuple[int, ...]:
        """Return the sites of a plan, those that are fixed too, ascending."""
        found: list[int] = np.union1d(self.fixed, self.sites[columns]).tolist()
        return tuple(found)
