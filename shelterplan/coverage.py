"""Who is covered, and for everybody else the one reason why not. All sums are exact."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from shelterplan import access
from shelterplan.scenario import Scenario
from shelterplan.standards import AccessStandard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from shelterplan.study_area import StudyArea


class Rule(NamedTuple):
    """One status, and whom it holds for. The first rule that holds decides."""

    status: str
    holds: Callable[[pd.DataFrame, AccessStandard], NDArray[np.bool_]]


RULES: tuple[Rule, ...] = (
    Rule("no_network", lambda walks, _: ~walks["on_network"].to_numpy(bool)),
    Rule("no_path", lambda walks, _: ~np.isfinite(walks["distance_m"].to_numpy(float))),
    Rule("covered", lambda walks, standard: within(walks["distance_m"], standard.max_distance_m)),
    Rule("too_far", lambda walks, _: np.ones(len(walks), bool)),
)
"""How the status of a demand point is found."""
STATUSES: tuple[str, ...] = ("covered", "too_far", "no_path", "no_network")
"""Every status, in the order in which tables show them."""
QUANTILES: dict[str, float] = {
    "median_distance_m": 0.5,
    "p90_distance_m": 0.9,
    "p95_distance_m": 0.95,
}
"""Shares of the population whose longest walk is told."""


def within(
    distance_m: pd.Series | NDArray[np.float64] | float, limit_m: float
) -> NDArray[np.bool_]:
    """Say which walks meet a limit, inclusive, in whole millimetres.

    Examples
    --------
    >>> within(np.array([500.0, 500.001, np.inf]), 500.0).tolist()
    [True, False, False]
    """
    met: NDArray[np.bool_] = np.less_equal(
        np.rint(np.asarray(distance_m, float) * 1000), access.whole_mm(limit_m)
    )
    return met


def assess(
    area: StudyArea, scenario: Scenario | None = None, standard: AccessStandard | None = None
) -> gpd.GeoDataFrame:
    """Find the walk of every demand point, and its status.

    Parameters
    ----------
    area : StudyArea
        The place.
    scenario : Scenario, optional
        Who walks; by default an adult.
    standard : AccessStandard, optional
        What counts as covered; by default 500 m.

    Returns
    -------
    GeoDataFrame
        The demand table with `on_network`, `shelter_id` (nearest, NA if none), `distance_m` and its
        parts `leg_start_m`, `street_m`, `leg_end_m`, `walk_time_s` (`inf` if there is no way) and
        `status`, one of `STATUSES`.
    """
    scenario, standard = scenario or Scenario(), standard or AccessStandard()
    homes, doors = area.demand_places(scenario), area.entrance_places(scenario)
    walks = access.nearest(area.network(scenario.walker), homes, doors)
    ids = area.shelters.index.to_numpy(object)
    shelter = np.full(len(walks), None, object)
    reached = walks["target"].to_numpy() >= 0
    shelter[reached] = ids[walks.loc[reached, "target"]]
    table = area.demand.assign(
        on_network=homes.snapped,
        shelter_id=pd.array(shelter, dtype="str"),
        **{
            name: walks[name].to_numpy()
            for name in ("distance_m", "leg_start_m", "street_m", "leg_end_m")
        },
        walk_time_s=scenario.walk_time_s(walks["distance_m"].to_numpy()),
    )
    return table.assign(status=status_of(table, standard))


def status_of(walks: pd.DataFrame, standard: AccessStandard) -> pd.Categorical:
    """Return the one status of each walk: the first of `RULES` that holds."""
    chosen = np.select(
        [rule.holds(walks, standard) for rule in RULES],
        [rule.status for rule in RULES],
        default=RULES[-1].status,
    )
    return pd.Categorical(chosen, categories=list(STATUSES))


def summary(walks: pd.DataFrame, by: Sequence[object] | pd.Series) -> pd.DataFrame:
    """Add the people of each group up, by status, with the walks that most of them have.

    Parameters
    ----------
    walks : DataFrame
        As `assess` returns it.
    by : sequence, one entry a row
        The group of each demand point.

    Returns
    -------
    DataFrame
        One row a group: `population`, `covered_population`, `gap_population`, `coverage_share`
        (NaN without people), `median_distance_m`, `p90_distance_m`, `p95_distance_m` (weighted by
        people; `inf` where that share of them has no way; NaN without people) and one
        `<status>_population` for each status.
    """
    group = pd.Series(np.asarray(by, object), index=walks.index)
    people = (
        walks.assign(group=group)
        .pivot_table("population", "group", "status", aggfunc="sum", observed=False)
        .reindex(columns=list(STATUSES))
        .fillna(0.0)
        .rename_axis(index=None, columns=None)
    )
    population = people.sum(axis=1)
    table = pd.DataFrame(
        {
            "population": population,
            "covered_population": people["covered"],
            "gap_population": population - people["covered"],
            "coverage_share": (people["covered"] / population).where(population > 0),
        }
    )
    quantiles = pd.DataFrame(
        {
            key: weighted_quantiles(rows["distance_m"], rows["population"], QUANTILES.values())
            for key, rows in walks.groupby(group)
        },
        index=list(QUANTILES),
    ).T.reindex(table.index)
    others = people.drop(columns="covered").add_suffix("_population")
    return table.join(quantiles).join(others)


def weighted_quantiles(
    values: pd.Series, weights: pd.Series, shares: Iterable[float]
) -> list[float]:
    """Return the smallest values that the given shares of the weight do not exceed.

    Examples
    --------
    >>> walks, people = pd.Series([100.0, 300.0, np.inf]), pd.Series([50, 40, 10])
    >>> weighted_quantiles(walks, people, [0.5, 0.9, 0.95])
    [100.0, 300.0, inf]
    """
    order = np.argsort(values.to_numpy(float), kind="stable")
    ordered = values.to_numpy(float)[order]
    reached = np.cumsum(weights.to_numpy(float)[order])
    total = reached[-1] if len(reached) else 0.0
    if total <= 0:
        return [np.nan for _ in shares]
    wanted = [share * total * (1 - 1e-12) for share in shares]  # a share that is met exactly is met
    return [float(ordered[np.searchsorted(reached, people, "left")]) for people in wanted]


def distance_curve(
    walks: pd.DataFrame, *, step_m: float = 25.0, up_to_m: float = 3000.0
) -> pd.DataFrame:
    """Return how many people have a walk of at most each distance.

    Parameters
    ----------
    walks : DataFrame
        As `assess` returns it.
    step_m, up_to_m : float
        The distances: every `step_m` up to `up_to_m` [m].

    Returns
    -------
    DataFrame
        `distance_m`, `population` within it, `share` of all people (the unreachable included).
    """
    distance = np.arange(0.0, up_to_m + step_m / 2, step_m)
    order = np.argsort(walks["distance_m"].to_numpy(float), kind="stable")
    reached = np.concatenate([[0.0], np.cumsum(walks["population"].to_numpy(float)[order])])
    mm = np.rint(walks["distance_m"].to_numpy(float)[order] * 1000)
    people = reached[np.searchsorted(mm, np.rint(distance * 1000), "right")]
    total = reached[-1]
    share = people / total if total > 0 else np.full(len(people), np.nan)
    return pd.DataFrame({"distance_m": distance, "population": people, "share": share})
