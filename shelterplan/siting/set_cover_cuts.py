"""Inequalities that every set cover meets and its linear relaxation does not: a better bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from shelterplan.kernels.common import compiled
from shelterplan.siting.highs import Model, solve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.problem import Sparse
    from shelterplan.siting.watch import Watch

    Ints = NDArray[np.int32]
    Floats = NDArray[np.float64]

_LEAST_MISSED = 0.02
"""By how much a cut must be missed to be worth a row."""
_CROWD = 6
"""Of the cuts that share all their columns, so many are added at a time."""
_SECONDS = 24
"""Each row is paired with about so many near rows to begin a set."""
_LARGEST = 12
"""Rows that make a cut, at most."""
_ROUGHLY = {"solver": "ipm", "run_crossover": "off", "ipm_optimality_tolerance": 1e-4}
"""Any prices give a bound, so near the best ones will do."""
_SLOW = 4e-4
"""Rounds end once one raises the bound by a smaller share."""


class Tightened(NamedTuple):
    """A linear relaxation with cuts."""

    bound: float
    """No plan costs less; `-inf` if nothing was proven in time."""
    reduced: Floats
    """Cost of each column less the prices of its rows and cuts, shape (columns,)."""
    rows: Sparse
    """The rows and the cuts that matter, shape (rows + cuts, columns)."""
    needed: Floats
    """What each of them must reach, shape (rows + cuts,)."""


def tightened(cover: Sparse, cost: Floats, upper: float, watch: Watch) -> Tightened:
    """Return a bound from the linear relaxation with cuts, by rounds.

    Cuts: take some rows. If no column covers all of them, two columns at least are among those that
    cover any; in general, each that covers all counts twice, and the sum is 2 or more (Balas and Ng
    1989: no others with a right-hand side of 2 are needed). Sets of rows are grown greedily from
    pairs of near rows. Duals come from an interior point method without crossover; whatever they
    are, sum(price x needed) + sum(min(0, cost - prices)) is a bound.
    """
    best = Tightened(-np.inf, cost, cover, np.ones(cover.shape[0]))
    rows, needed = best.rows, best.needed
    while not watch.over:
        before = watch.seconds
        values, price = _relaxed(rows, needed, cost, watch)
        if values is None:
            break
        reduced = cost - rows.T @ price
        bound = float(price @ needed + np.minimum(reduced, 0.0).sum())
        slow = bound <= best.bound + _SLOW * abs(bound)
        if bound > best.bound:
            best = Tightened(bound, reduced, rows, needed)
        watch.tell(f"set covering: {upper:g}, at least {best.bound:.1f}")
        more = cuts(cover, values)
        if slow or not more.shape[0] or watch.left_s < 1.5 * (watch.seconds - before):
            break
        kept = np.arange(len(needed)) < cover.shape[0]
        kept |= price > 1e-9
        rows = sparse.csr_array(sparse.vstack([rows[np.flatnonzero(kept)], more]))
        needed = np.append(needed[kept], np.full(more.shape[0], 2.0))
    return best


def _relaxed(
    rows: Sparse, needed: Floats, cost: Floats, watch: Watch
) -> tuple[Floats | None, Floats]:
    """Return a solution of the linear relaxation and prices of the rows, 0 or more."""
    columns = len(cost)
    model = Model(
        objective=cost,
        rows=rows,
        row_lower=needed,
        row_upper=np.full(len(needed), np.inf),
        column_lower=np.zeros(columns),
        column_upper=np.ones(columns),
        whole=np.zeros(columns, bool),
        sense="least",
    )
    solved = solve(model, watch, options=_ROUGHLY)
    if solved.values is None or len(solved.row_duals) != len(needed):
        return None, needed
    return np.clip(solved.values, 0.0, 1.0), np.maximum(solved.row_duals, 0.0)


def cuts(cover: Sparse, values: Floats) -> Sparse:
    """Return cuts that the values miss, shape (cuts, columns); each must reach 2."""
    return row_cuts(cover, values, np.zeros(cover.shape[0]))[0]


def row_cuts(cover: Sparse, values: Floats, lack: Floats) -> tuple[Sparse, Sparse]:
    """Return cuts that the values miss, and of which rows each is made, shape (cuts, rows).

    `lack` is how much of each row need not be covered, shape (rows,); a cut must reach 2 less the
    lack of its rows.
    """
    columns = sparse.csc_array(cover)
    columns.sort_indices()
    start, member, missed = _sets(
        cover.indptr.astype(np.int32),
        cover.indices.astype(np.int32),
        columns.indptr.astype(np.int32),
        columns.indices.astype(np.int32),
        values,
        lack,
    )
    sets = sparse.csr_array(
        (np.ones(len(member)), member, start), shape=(len(missed), cover.shape[0])
    )
    product: Any = sets @ cover
    found: Sparse = sparse.csr_array(product)
    found.sort_indices()
    size = np.repeat(np.diff(start), np.diff(found.indptr))
    found.data = np.where(found.data == size, 2.0, 1.0)
    taken = _spread(found, values, missed)
    made: Any = sets[taken]
    return sparse.csr_array(found[taken]), sparse.csr_array(made)


def _spread(found: Sparse, values: Floats, missed: Floats) -> NDArray[np.int64]:
    """Choose the cuts that are missed most, not too many in one place."""
    names = np.random.default_rng(1).random(found.shape[1])
    key: Floats = np.asarray(found @ names)
    _, first = np.unique(np.round(key, 9), return_index=True)
    times = np.zeros(found.shape[1], np.int64)
    taken = []
    for cut in first[np.argsort(-missed[first], kind="stable")]:
        inside = found.indices[found.indptr[cut] : found.indptr[cut + 1]]
        inside = inside[values[inside] > 0.01]
        if inside.size and times[inside].min() < _CROWD:
            times[inside] += 1
            taken.append(cut)
    return np.array(taken, np.int64)


@compiled
def _sets(  # noqa: C901
    row: Ints, column_of: Ints, column: Ints, row_of: Ints, values: Floats, lack: Floats
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Grow sets of rows whose cut is missed: from each row, with each near row as the second."""
    rows = len(row) - 1
    inside = np.zeros(rows)
    for i in range(rows):
        for t in range(row[i], row[i + 1]):
            inside[i] += values[column_of[t]]
    start, member, missed = [0], [np.int64(0)][:0], [0.0][:0]
    times = np.zeros(len(column) - 1, np.int32)
    seen = np.full(rows, -1, np.int32)
    near = np.empty(rows, np.int32)
    chosen = np.empty(_LARGEST, np.int32)
    for i in range(rows):
        if inside[i] > 1.04:
            continue
        count = 0
        seen[i] = i
        for t in range(row[i], row[i + 1]):
            if values[column_of[t]] < 0.02:
                continue
            for s in range(column[column_of[t]], column[column_of[t] + 1]):
                other = row_of[s]
                if seen[other] != i and inside[other] < 1.08:
                    seen[other] = i
                    near[count] = other
                    count += 1
        best = _LEAST_MISSED
        for second in near[: count : 1 + count // _SECONDS]:
            chosen[0], chosen[1] = i, second
            size = _grow(row, column_of, values, lack, near[:count], chosen, times)
            miss = 2.0 - _worth(row, column_of, values, chosen[:size], times)
            for other in chosen[:size]:
                miss -= lack[other]
            if miss > best + 1e-6:
                best = miss
                for other in chosen[:size]:
                    member.append(np.int64(other))
                start.append(len(member))
                missed.append(miss)
    return np.array(start), np.array(member), np.array(missed)


@compiled
def _grow(  # noqa: C901
    row: Ints,
    column_of: Ints,
    values: Floats,
    lack: Floats,
    near: Ints,
    chosen: Ints,
    times: Ints,
) -> int:
    """Add near rows to a pair while that lowers the cut's left side; return how many there are.

    `times` counts the rows of the set that each column covers; it is left so.
    """
    for other in chosen[:2]:
        for t in range(row[other], row[other + 1]):
            times[column_of[t]] += 1
    size = 2
    while size < len(chosen):
        whole = 0.0
        for t in range(row[chosen[0]], row[chosen[0] + 1]):
            if times[column_of[t]] == size:
                whole += values[column_of[t]]
        pick, lowest = -1, -1e-6
        for other in near:
            if other in chosen[:size]:
                continue
            change = lack[other] - whole
            for t in range(row[other], row[other + 1]):
                j = column_of[t]
                if times[j] == 0 or times[j] == size:
                    change += values[j]
            if change < lowest:
                pick, lowest = other, change
        if pick < 0:
            break
        chosen[size] = pick
        size += 1
        for t in range(row[pick], row[pick + 1]):
            times[column_of[t]] += 1
    return size


@compiled
def _worth(row: Ints, column_of: Ints, values: Floats, chosen: Ints, times: Ints) -> float:
    """Return the left side of the cut of a set of rows, and set `times` back to 0."""
    total = 0.0
    for other in chosen:
        for t in range(row[other], row[other + 1]):
            j = column_of[t]
            if times[j] > 0:
                total += values[j] * (2.0 if times[j] == len(chosen) else 1.0)
                times[j] = 0
    return total
