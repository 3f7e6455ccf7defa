"""Dealing whole people to places: the largest remainder method (Hamilton's).

Everybody gets the whole part of their exact share, and the people left over go to the largest
fractions, one each. So the sum over the places of a zone is the number of the zone, exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from shelterplan.errors import TableError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def apportion(total: int, weights: ArrayLike) -> NDArray[np.int64]:
    """Deal `total` whole people to places in proportion to their weights (largest remainder).

    Parameters
    ----------
    total : int
        People to deal out; at least 0.
    weights : array of float, shape (n,)
        Weight of each place, finite and at least 0; in any unit.

    Returns
    -------
    array of int64, shape (n,)
        People at each place. Sums to `total`, and is less than one person from the exact share.
        A place of weight 0 gets nobody. Equal fractions are served in the order given.

    Raises
    ------
    TableError
        A weight is negative or not finite, or nothing has weight although there are people.

    Examples
    --------
    >>> apportion(10, [1, 1, 1]).tolist()
    [4, 3, 3]
    >>> apportion(7, [0, 2.5, 5]).tolist()
    [0, 2, 5]
    """
    weight = np.asarray(weights, dtype=np.float64)
    if not (np.isfinite(weight).all() and (weight >= 0).all()):
        raise TableError("weights", ["every weight must be a number of 0 or more."])
    if total < 0:
        raise TableError("population", [f"{total} people: it must be 0 or more."])
    if total == 0:
        return np.zeros(len(weight), dtype=np.int64)
    if not weight.any():
        raise TableError("weights", [f"{total} people, but no place with a weight above 0."])
    scaled: NDArray[np.float64] = weight / weight.max()  # so that no product overflows
    share = total * (scaled / scaled.sum())
    people: NDArray[np.int64] = np.floor(share).astype(np.int64)
    left_over = total - int(people.sum())
    in_turn = np.lexsort((-(share - people), scaled == 0))
    people[in_turn[:left_over]] += 1
    return people


def allocate(
    population_by_zone: pd.Series, weights: ArrayLike, zone_ids: ArrayLike
) -> NDArray[np.int64]:
    """Deal the people of every zone to the places in it, in proportion to the places' weights.

    Parameters
    ----------
    population_by_zone : Series of int
        People in each zone; index: the zone's id, each once.
    weights : array of float, shape (n,)
        Weight of each place.
    zone_ids : array, shape (n,)
        Zone of each place.

    Returns
    -------
    array of int64, shape (n,)
        People at each place; they sum to each zone's number.

    Raises
    ------
    TableError
        A zone is unknown, has people but no place with weight, or a number is not usable. All
        problems are listed.

    Examples
    --------
    >>> people = pd.Series({"a": 5, "b": 3})
    >>> allocate(people, [1, 1, 2], ["a", "a", "b"]).tolist()
    [3, 2, 3]
    """
    _check_population(population_by_zone)
    weight = pd.Series(np.asarray(weights, dtype=np.float64))
    zone = pd.Series(np.asarray(zone_ids))
    _check_zones(population_by_zone, weight, zone)
    people = np.zeros(len(weight), dtype=np.int64)
    zone_row = population_by_zone.index.get_indexer(pd.Index(zone))
    order = np.argsort(zone_row, kind="stable")
    first_of_zone = np.flatnonzero(np.diff(zone_row[order])) + 1
    total = population_by_zone.to_numpy()
    for places in np.split(order, first_of_zone) if len(order) else []:
        people[places] = apportion(int(total[zone_row[places[0]]]), weight.to_numpy()[places])
    return people


def _check_population(population: pd.Series) -> None:
    """Refuse populations that are missing, negative or not whole."""
    number = pd.to_numeric(population, errors="coerce").astype("float64")
    bad = ~np.isfinite(number) | (number < 0)
    problems = [f"zone {zone}: a number of 0 or more is needed." for zone in population.index[bad]]
    broken = ~bad & (number % 1 != 0)
    problems += [
        f"zone {zone}: {number[zone]} people are not whole." for zone in population.index[broken]
    ]
    twice = population.index[population.index.duplicated()].unique()
    problems += [f"zone {zone}: stands more than once in the table." for zone in twice]
    if problems:
        raise TableError("population", problems)


def _check_zones(population: pd.Series, weight: pd.Series, zone: pd.Series) -> None:
    """Refuse unusable weights, unknown zones, and zones with people but without weight."""
    if len(weight) != len(zone):
        raise TableError("places", [f"{len(weight)} weights, but {len(zone)} zones."])
    bad = ~np.isfinite(weight) | (weight < 0)
    problems = [f"row {row}: weight {weight[row]} is not a number of 0 or more."
                for row in weight.index[bad]]  # fmt: skip
    unknown = zone[~zone.isin(population.index)]
    problems += [f"row {row}: there is no zone {name!r}." for row, name in unknown.items()]
    weighted = zone[weight > 0].unique()
    without = population[(population > 0) & ~population.index.isin(weighted)]
    problems += [f"zone {name}: {number} people, but no place with a weight above 0."
                 for name, number in without.items()]  # fmt: skip
    if problems:
        raise TableError("places", problems)
