"""Who is left out: population groups, and people who need a way without steps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from shelterplan.equity.areas import divided, group_people
from shelterplan.equity.interval import draw_counts, ends, refuse_draws
from shelterplan.equity.people import NO_AREA, PLACED, assumed, people_of, refuse_another
from shelterplan.equity.rows import sums
from shelterplan.errors import UnknownNameError
from shelterplan.plan import make_plan
from shelterplan.scenario import WALKERS
from shelterplan.tables import GROUPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.equity.of_plan import Counted
    from shelterplan.plan import Plan
    from shelterplan.study_area import StudyArea

STEP_FREE = "step_free"
"""The row of everybody, if nobody could use steps."""


class _Group(NamedTuple):
    """One group."""

    people: pd.DataFrame
    """What people have, as this group finds it."""
    of_group: NDArray[np.float64]
    """People of the group in each row."""
    usual_share: float
    """Share of everybody without a place, at the points where the group is known."""
    known_share: float
    """Share of all people at those points."""


def left_out(
    plan: Plan,
    area: StudyArea | None = None,
    *,
    counted: Counted = "possible",
    draws: int = 999,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Return which share of each population group has no place, beside that of everybody.

    Parameters
    ----------
    plan : Plan
        The analysis.
    area : StudyArea, optional
        The place that was analysed; needed for those who need a way without steps.
    counted : "possible" or "confirmed"
        Who has a place: also people whose shelter is of unknown size, or only those who certainly
        have one.
    draws, level, seed : int, float, int
        As in `bootstrap_interval`; communities are drawn.

    Returns
    -------
    DataFrame
        Rows `everybody`, the groups that are given (`children`, `elderly_65`, `disabled`), and
        `step_free`: everybody, if they could only go, and get in, as a wheelchair does (the walker
        `wheelchair`, all else as in the analysis). `population`, of the group where it is known;
        `known_share`, the share of all people at points where it is; `left_out_people` and
        `left_out_share`, who have no place, with `left_out_share_low` and `_high`; `gap`, how much
        more of them than of everybody at those points (above 0: the group is worse off); and
        `unreachable_people` and `unreachable_share`, who have no way to any fit shelter. Groups
        that are not in it, and why, are in `attrs["left_out"]`; people without a car are never
        known.

    Examples
    --------
    >>> from shelterplan import StudyArea, make_plan
    >>> area = StudyArea.open("monaco")
    >>> found = left_out(make_plan(area), area)
    >>> found["left_out_share"].round(2).to_dict(), found.attrs["left_out"]["children"]
    ({'everybody': 0.2, 'step_free': 0.43}, 'not given')
    """
    if counted not in PLACED:
        raise UnknownNameError("way of counting", str(counted), list(PLACED))
    refuse_draws(draws, level)
    people = people_of(plan)
    here = people["population"].to_numpy(float)
    lost = here * (1.0 - people[counted].to_numpy(float))

    def group_of(
        known: NDArray[np.bool_], of_group: NDArray[np.float64], found: pd.DataFrame
    ) -> _Group:
        at_points = here[known].sum()
        usual = divided(lost[known].sum(), at_points)
        return _Group(found, of_group, float(usual), float(divided(at_points, here.sum())))

    everywhere = np.ones(len(people), bool)
    groups = {"everybody": group_of(everywhere, here, people)}
    notes: dict[str, str] = {"without_car": "the data does not count them"}
    for name in GROUPS:
        of_group = group_people(people, name)
        if of_group.sum() > 0:
            groups[name] = group_of(people[name].notna().to_numpy(bool), of_group, people)
        else:
            given = name in people
            notes[name] = "nobody of this group is known of" if given else "not given"
    if area is None:
        notes[STEP_FREE] = NO_AREA
    else:
        rolling = people_of(step_free_plan(plan, area))
        groups[STEP_FREE] = group_of(everywhere, rolling["population"].to_numpy(float), rolling)
    places = plan.communities.index
    rows = {
        name: _row(group, counted, places, draws=draws, level=level, seed=seed)
        for name, group in groups.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("group")
    table.attrs["left_out"] = notes
    return table


def step_free_plan(plan: Plan, area: StudyArea) -> Plan:
    """Return the same analysis, if everybody needed a way without steps.

    Raises
    ------
    TableError
        If the analysis is of another study area.
    """
    refuse_another(plan, area)
    scenario, standard = assumed(plan)
    return make_plan(area, replace(scenario, walker=WALKERS["wheelchair"]), standard)


def _row(
    group: _Group, counted: Counted, places: pd.Index, *, draws: int, level: float, seed: int
) -> dict[str, float]:
    """Return the figures of one group."""
    people, of_group = group.people, group.of_group
    lost = of_group * (1.0 - people[counted].to_numpy(float))
    cut_off = of_group * np.isinf(people["distance_m"].to_numpy(float))
    total = of_group.sum()
    share = float(divided(lost.sum(), total))
    low, high = _interval(people, lost, of_group, places, draws=draws, level=level, seed=seed)
    return {
        "population": float(total),
        "known_share": group.known_share,
        "left_out_people": float(lost.sum()),
        "left_out_share": share,
        "left_out_share_low": low,
        "left_out_share_high": high,
        "gap": share - group.usual_share,
        "unreachable_people": float(cut_off.sum()),
        "unreachable_share": float(divided(cut_off.sum(), total)),
    }


def _interval(
    people: pd.DataFrame,
    lost: NDArray[np.float64],
    of_group: NDArray[np.float64],
    places: pd.Index,
    *,
    draws: int,
    level: float,
    seed: int,
) -> tuple[float, float]:
    """Return the interval of a share when communities with people are drawn anew."""
    where = places.get_indexer(pd.Index(people["community_id"]))
    part, whole = (sums(where, values, len(places)) for values in (lost, of_group))
    everybody = sums(where, people["population"].to_numpy(float), len(places))
    lived_in = np.flatnonzero(everybody > 0)
    if len(lived_in) < 2:
        return float("nan"), float("nan")
    often = draw_counts(len(lived_in), draws, seed).astype(float)
    return ends(divided(often @ part[lived_in], often @ whole[lived_in]), level)
