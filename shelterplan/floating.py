"""Floating catchments: how much of a service each point has, shared with all who compete for it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from scipy.sparse import csr_array

from shelterplan.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    Decay: TypeAlias = (
        Literal["gaussian"]
        | Sequence[tuple[float, float]]
        | Callable[[NDArray[np.float64]], ArrayLike]
        | None
    )

__all__ = ["balanced_floating_catchment", "two_step_floating_catchment"]


def two_step_floating_catchment(
    reach: csr_array | ArrayLike,
    population: ArrayLike,
    supply: ArrayLike,
    *,
    cutoff: float = math.inf,
    decay: Decay = None,
) -> NDArray[np.float64]:
    """Return the supply for each person at every point (2SFCA).

    First, each facility's supply is divided by all people within reach, `R_j = S_j / sum_i P_i
    W_ij`. Then each point adds up what is within its reach, `A_i = sum_j R_j W_ij` (Luo and Wang
    2003; with weights that fall with distance, E2SFCA, Luo and Qi 2009). Whatever the weights, the
    supply of all facilities with people in reach is shared out: `sum_i P_i A_i = sum_j S_j`.

    Parameters
    ----------
    reach : csr_array or array_like, shape (points, facilities)
        Distances or times. In a sparse matrix, not stored is out of reach (a stored 0 is not); in a
        dense one, `inf` or NaN.
    population : array_like, shape (points,)
        People at each point.
    supply : array_like, shape (facilities,)
        Places, beds or square metres at each facility.
    cutoff : float
        Farthest reach, inclusive, in the unit of `reach`.
    decay : None, "gaussian", sequence of (limit, weight) or callable
        None: weight 1 within the cutoff. "gaussian": `exp(-d**2 / beta)` with `beta = -cutoff**2 /
        ln(0.01)` (the Gaussian impedance of Kwan 1998), so that the weight is 0.01 at the cutoff;
        needs a finite cutoff. Steps: the weight of the first limit (they
        rise) that a distance does not exceed, 0 beyond the last. Luo and Qi use three zones to 10,
        20 and 30 min: `[(10, 1.0), (20, 0.68), (30, 0.22)]`, or, falling faster, weights 1, 0.42
        and 0.09. A callable gets an array of distances and returns their weights.

    Returns
    -------
    array of float, shape (points,)
        Supply for each person; 0 where nothing is within reach. A facility without people in reach
        serves nobody and adds nothing, for points without people, too: its ratio is not defined.

    Raises
    ------
    TableError
        If lengths do not fit, a supply is unknown, or a number is negative.

    Examples
    --------
    Two facilities with 10 and 30 places; the 100 people in the middle reach both.

    >>> reach = [[5, np.inf], [8, 8], [np.inf, 5]]
    >>> two_step_floating_catchment(reach, [100, 100, 200], [10, 30]).round(3).tolist()
    [0.05, 0.15, 0.1]
    """
    weights, persons, served = _checked(reach, population, supply, cutoff, decay)
    demand = weights.T @ persons
    ratio = np.divide(served, demand, out=np.zeros_like(served), where=demand > 0)
    shared: NDArray[np.float64] = weights @ ratio
    return shared


def balanced_floating_catchment(
    reach: csr_array | ArrayLike,
    population: ArrayLike,
    supply: ArrayLike,
    *,
    cutoff: float = math.inf,
    decay: Decay = None,
) -> NDArray[np.float64]:
    """Return the supply at every point, people and supply being counted once only (BFCA).

    As `two_step_floating_catchment`, but the people of a point are shared out between facilities by
    `W_ij / sum_j W_ij`, and the ratios of a facility between points by `W_ij / sum_i W_ij` (Paez,
    Higgins and Vivona 2019), so that neither demand nor service is counted more than once.

    Parameters
    ----------
    reach, population, supply, cutoff, decay
        As in `two_step_floating_catchment`.

    Returns
    -------
    array of float, shape (points,)
        Sum of the shares of the facilities' ratios; 0 where nothing is within reach.

    Examples
    --------
    >>> reach = [[5, np.inf], [8, 8], [np.inf, 5]]
    >>> balanced_floating_catchment(reach, [100, 100, 200], [10, 30]).round(3).tolist()
    [0.033, 0.093, 0.06]
    """
    weights, persons, served = _checked(reach, population, supply, cutoff, decay)
    out, into = weights.sum(axis=1), weights.sum(axis=0)
    share = np.divide(persons, out, out=np.zeros_like(persons), where=out > 0)
    demand = weights.T @ share
    ratio = np.divide(served, demand * into, out=np.zeros_like(served), where=demand > 0)
    shared: NDArray[np.float64] = weights @ ratio
    return shared


def _checked(
    reach: csr_array | ArrayLike,
    population: ArrayLike,
    supply: ArrayLike,
    cutoff: float,
    decay: Decay,
) -> tuple[csr_array, NDArray[np.float64], NDArray[np.float64]]:
    """Return weights and numbers, or raise with what is wrong."""
    if math.isnan(cutoff) or cutoff < 0:
        raise TableError("cutoff", [f"it must be a number >= 0, got {cutoff!r}."])
    distances = _within(reach, cutoff)
    persons, served = np.asarray(population, float), np.asarray(supply, float)
    for name, values, length in (
        ("population", persons, distances.shape[0]),
        ("supply", served, distances.shape[1]),
    ):
        if values.shape != (length,):
            raise TableError(name, [f"there must be {length} numbers, got shape {values.shape}."])
        if np.isnan(values).any():
            row = int(np.flatnonzero(np.isnan(values))[0])
            raise TableError(
                name,
                [f"row {row}: the number is unknown. Decide: leave the row out, or give a number."],
            )
        if not (np.isfinite(values) & (values >= 0)).all():
            row = int(np.flatnonzero(~(np.isfinite(values) & (values >= 0)))[0])
            raise TableError(name, [f"row {row}: {values[row]} is not a finite number >= 0."])
    weights = csr_array(
        (_weights(distances.data, cutoff, decay), distances.indices, distances.indptr),
        shape=distances.shape,
    )
    return weights, persons, served


def _within(reach: csr_array | ArrayLike, cutoff: float) -> csr_array:
    """Return the distances up to the cutoff; a distance of 0 is stored."""
    if isinstance(reach, csr_array):
        row = np.repeat(np.arange(reach.shape[0]), np.diff(reach.indptr))
        column = reach.indices.astype(np.int64)
        distance, shape = reach.data.astype(float), reach.shape
    else:
        dense = np.asarray(reach, float)
        if dense.ndim != 2:
            raise TableError("reach", [f"it must have rows and columns, got shape {dense.shape}."])
        row, column = np.nonzero(np.isfinite(dense))
        distance, shape = dense[row, column], dense.shape
    if (distance < 0).any() or np.isnan(distance).any():
        raise TableError("reach", ["a distance is negative or not a number."])
    use = (distance <= cutoff) & np.isfinite(distance)
    ptr = np.zeros(shape[0] + 1, np.int64)
    np.cumsum(np.bincount(row[use], minlength=shape[0]), out=ptr[1:])
    return csr_array((distance[use], column[use], ptr), shape=shape)


def _weights(distance: NDArray[np.float64], cutoff: float, decay: Decay) -> NDArray[np.float64]:
    """Return the weight of each distance, all being within the cutoff."""
    if decay is None:
        return np.ones(len(distance))
    if isinstance(decay, str):
        if decay != "gaussian" or not 0 < cutoff < math.inf:
            problem = f'{decay!r} is not a decay: use "gaussian", with a finite cutoff above 0.'
            raise TableError("decay", [problem])
        return np.asarray(np.exp(math.log(0.01) * (distance / cutoff) ** 2))
    if callable(decay):
        weights = np.asarray(decay(distance), float)
    else:
        limits, steps = np.array(list(decay), float).reshape(-1, 2).T
        if not (np.diff(limits) > 0).all():
            raise TableError("decay", ["the limits of the steps must rise."])
        weights = np.append(steps, 0.0)[np.searchsorted(limits, distance)]
    if weights.shape != distance.shape or not (np.isfinite(weights) & (weights >= 0)).all():
        raise TableError("decay", ["there must be one finite weight >= 0 for each distance."])
    return weights
