"""How much longer a walker needs than an adult, and who loses any way to a shelter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from shelterplan import access, coverage
from shelterplan.scenario import Scenario
from shelterplan.situation import Situation, situation

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from shelterplan.scenario import Walker
    from shelterplan.study_area import StudyArea


def walker_penalty(
    area: StudyArea, scenario: Scenario | None = None, *, walker: Walker | None = None
) -> gpd.GeoDataFrame:
    """Compare the time to the nearest usable shelter of a walker with an adult's.

    Parameters
    ----------
    area : StudyArea
        The place.
    scenario : Scenario, optional
        Everything but the walker; room is not looked at.
    walker : Walker, optional
        Who walks; by default the scenario's.

    Returns
    -------
    GeoDataFrame
        The demand table with `population` at that time of day, `adult_time_s` and `walker_time_s`
        (`inf` without a way) and `extra_time_s` (`inf` where the adult has a way and the walker
        none; NaN where the adult has none either).

    Examples
    --------
    >>> from shelterplan import Scenario, StudyArea
    >>> found = walker_penalty(StudyArea.open("monaco"), Scenario.of(walker="elderly"))
    >>> bool((found["extra_time_s"].dropna() > 0).all())
    True
    """
    scenario = scenario or Scenario()
    adult = situation(area, scenario.with_changes(walker=Scenario().walker))
    other = situation(area, scenario.with_changes(walker=walker or scenario.walker))
    adult_s, walker_s = _quickest(adult), _quickest(other)
    has_way = np.isfinite(adult_s)
    extra = np.full(len(adult_s), np.nan)
    extra[has_way] = walker_s[has_way] - adult_s[has_way]
    return area.demand.assign(
        population=adult.people, adult_time_s=adult_s, walker_time_s=walker_s, extra_time_s=extra
    )


def _quickest(here: Situation) -> NDArray[np.float64]:
    """Return the time from each demand point to the nearest usable shelter [s]."""
    streets = here.open
    found = access.nearest(streets.network, streets.homes, here.doors, pace=streets.pace, by="s")
    return found["walk_time_s"].to_numpy(float)


def penalty_summary(penalty: pd.DataFrame, by: Sequence[object] | pd.Series) -> pd.DataFrame:
    """Add the extra time of each group up, weighted by people.

    Parameters
    ----------
    penalty : DataFrame
        As `walker_penalty` returns it.
    by : sequence, one entry a row
        The group of each row.

    Returns
    -------
    DataFrame
        One row a group: `population`, `lost_population` (the adult has a way, the walker none),
        `no_way_population` (neither has), and of those for whom an adult has a way,
        `median_extra_time_s` and `p90_extra_time_s`: `inf` where that share of them loses any way.
    """
    found = {}
    for key, rows in penalty.groupby(np.asarray(by, object)):
        people, extra = rows["population"], rows["extra_time_s"]
        known = extra.notna()
        half, most = coverage.weighted_quantiles(extra[known], people[known], (0.5, 0.9))
        found[key] = {
            "population": people.sum(),
            "lost_population": people[np.isposinf(extra)].sum(),
            "no_way_population": people[~known].sum(),
            "median_extra_time_s": half,
            "p90_extra_time_s": most,
        }
    return pd.DataFrame.from_dict(found, orient="index")
