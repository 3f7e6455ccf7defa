"""Whether each community meets each published standard: pass, fail or unknown, with the number."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from shelterplan import access
from shelterplan.room import room_of
from shelterplan.scenario import Scenario
from shelterplan.situation import Situation, situation
from shelterplan.standards import AccessStandard, Certainty, presets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from shelterplan.study_area import StudyArea

FIXED_KINDS = ("short", "medium", "long", "central")
"""Kinds of shelters in which people can live for a while: fixed shelters."""
NOT_FIXED_KINDS = ("emergency",)
"""Kinds of shelters that are certainly no fixed ones; any other kind is unknown."""
_ROUNDING = 1e-9
"""What is short by less than this share is short by rounding."""
_COLUMNS = (
    "community_id",
    "name",
    "district",
    "standard",
    "rule",
    "scope",
    "result",
    "value",
    "required",
    "unit",
    "unknown_shelters",
    "certainty",
    "source",
)


class FixedShare(NamedTuple):
    """A rule on the share of the population for whom fixed shelters have room."""

    name: str
    share_at_least: float
    certainty: Certainty
    source: str


@cache
def fixed_share_rules() -> tuple[FixedShare, ...]:
    """Return the published rules on the share of people that fixed shelters hold.

    Examples
    --------
    >>> [(rule.name, rule.share_at_least, rule.certainty) for rule in fixed_share_rules()]
    [('cn_gb55028_mandatory', 0.15, 'seen')]
    """
    facts = json.loads(files("shelterplan").joinpath("standards.json").read_text("utf-8"))
    return tuple(
        FixedShare(
            name, fact["fixed_capacity_share_min"], fact["certainty"], str(fact.get("source", ""))
        )
        for name, fact in facts.items()
        if isinstance(fact, dict) and "fixed_capacity_share_min" in fact
    )


def standards_check(
    area: StudyArea,
    scenario: Scenario | None = None,
    standards: Sequence[str | AccessStandard] | None = None,
) -> pd.DataFrame:
    """Compare each community with each standard.

    Three rules are checked. `radius`: everybody has a usable shelter, fit for the scenario's
    hazard, within the longest walk of the standard; the number is the share of people who do.
    `area`: the shelters so reached have enough ground for each person; the number is their area
    (where it is unknown, the capacity times the required area; each shelter shared out among all
    who reach it) over the people of the community [m2]. `fixed_share`: usable shelters of kind
    short, medium, long or central have room for a share of the population; it is a rule on the
    whole study area, whose number stands in the row of each community.

    What is unknown is not held against a community, nor for it: where shelters of unknown area,
    room or kind could turn a fail into a pass, the result is unknown. So it is where nobody lives.

    Parameters
    ----------
    area : StudyArea
        The place.
    scenario : Scenario, optional
        The hazard, who walks, what is open; by default an adult on an ordinary day.
    standards : sequence of str or AccessStandard, optional
        Names of presets, or standards of your own; by default all presets.

    Returns
    -------
    DataFrame
        One row a community and rule: `community_id`, `name`, `district`, `standard` (its name),
        `rule`, `scope` (`community` or `study area`), `result` (`pass`, `fail`, `unknown`),
        `value` (NaN where nobody lives; a lower bound where there are `unknown_shelters`),
        `required`, `unit` (`share` or `m2 per person`), `unknown_shelters` (how many could change
        the result), `certainty` of the standard's text, and its `source`.

    Examples
    --------
    >>> from shelterplan import StudyArea
    >>> found = standards_check(StudyArea.open("monaco"), standards=["cn_gb51143_emergency"])
    >>> radius = found[found["rule"] == "radius"].set_index("name")
    >>> radius.loc[["Larvotto", "Monaco-Ville"], "result"].tolist()
    ['fail', 'pass']
    """
    scenario = scenario or Scenario()
    chosen = presets().values() if standards is None else standards
    here = situation(area, scenario)
    groups = _groups(here)
    tables: list[pd.DataFrame] = []
    for one in chosen:
        standard = AccessStandard.preset(one) if isinstance(one, str) else one
        tables += _of_walks(here, standard, groups)
    tables += [_fixed_share(here, rule) for rule in fixed_share_rules()]
    names = area.communities[["name", "district"]]
    rows = pd.concat([pd.DataFrame(names).join(table) for table in tables])
    return rows.rename_axis("community_id").reset_index()[list(_COLUMNS)]


def _groups(here: Situation) -> csr_array:
    """Return the people of each demand point, by community, shape (communities, points)."""
    community = here.area.communities.index.get_indexer(here.area.demand["community_id"])
    points = np.arange(len(community))
    shape = (len(here.area.communities), len(points))
    return csr_array((here.people, (community, points)), shape=shape)


def _of_walks(
    here: Situation, standard: AccessStandard, groups: csr_array
) -> Iterator[pd.DataFrame]:
    """Yield the rules of a standard that sets a walk: the radius, and the area if there is one."""
    reach = _reached(here, standard)
    people = groups.sum(axis=1)
    lived_in = people > 0
    within = groups @ (reach.sum(axis=1) > 0).astype(float)
    share = np.divide(within, people, out=np.full(len(people), np.nan), where=lived_in)
    facts = (standard.name, standard.certainty, standard.source)
    nothing = np.zeros(len(people), np.int64)
    yield _told(here, "radius", facts, share, 1.0, "share", nothing)
    required = standard.area_m2_per_person
    if required is not None:
        area_m2 = _area_m2(here, standard)
        mine = csr_array(groups @ reach)  # people of each community who reach each shelter
        everybody = mine.sum(axis=0)
        shared = np.divide(
            np.nan_to_num(area_m2), everybody, out=np.zeros(len(area_m2)), where=everybody > 0
        )
        each = np.divide(mine @ shared, people, out=np.full(len(people), np.nan), where=lived_in)
        unknown = (mine.sign() @ np.isnan(area_m2).astype(float)).astype(np.int64)
        yield _told(here, "area", facts, each, required, "m2 per person", unknown)


def _reached(here: Situation, standard: AccessStandard) -> csr_array:
    """Return which usable shelters each point reaches within a standard, as ones."""
    shape = (len(here.people), len(here.area.shelters))
    value, unit = standard.limit
    if unit == "s":
        value -= here.scenario.delay_s
    if value < 0:
        return csr_array(shape)
    streets = here.open
    found = access.catchments(
        streets.network,
        streets.homes,
        here.doors,
        pace=streets.pace,
        by=unit,
        **{f"cutoff_{unit}": value},
    )
    ones = np.ones(len(found.indices))
    return csr_array((ones, found.indices, found.indptr), shape=shape)


def _area_m2(here: Situation, standard: AccessStandard) -> NDArray[np.float64]:
    """Return the area of each shelter, or what its room stands for; NaN if neither is known."""
    area_m2: NDArray[np.float64] = (
        here.area.shelters["area_m2"].astype("Float64").to_numpy(float, na_value=np.nan)
    )
    room = room_of(here.area, standard)["room"].to_numpy(float)
    return np.where(np.isnan(area_m2), room * (standard.area_m2_per_person or np.nan), area_m2)


def _fixed_share(here: Situation, rule: FixedShare) -> pd.DataFrame:
    """Return the rule on the room of fixed shelters, the same for every community."""
    kind = here.area.shelters["kind"].to_numpy(object)
    usable = here.reason == ""
    room = room_of(here.area, AccessStandard())["room"].to_numpy(float)
    fixed = usable & np.isin(kind, FIXED_KINDS)
    doubtful = (fixed & np.isnan(room)) | (usable & ~fixed & ~np.isin(kind, NOT_FIXED_KINDS))
    everybody = here.people.sum()
    share = float(np.nansum(room[fixed]) / everybody) if everybody > 0 else np.nan
    count = len(here.area.communities)
    return _told(
        here,
        "fixed_share",
        (rule.name, rule.certainty, rule.source),
        np.full(count, share),
        rule.share_at_least,
        "share",
        np.full(count, doubtful.sum()),
        scope="study area",
    )


def _told(
    here: Situation,
    rule: str,
    facts: tuple[str, Certainty, str],
    value: NDArray[np.float64],
    required: float,
    unit: str,
    unknown: NDArray[np.int64],
    *,
    scope: str = "community",
) -> pd.DataFrame:
    """Return one rule as a table of all communities."""
    met = value >= required * (1 - _ROUNDING)
    result = np.select([np.isnan(value), met, unknown > 0], ["unknown", "pass", "unknown"], "fail")
    standard, certainty, source = facts
    columns: dict[str, Any] = {
        "standard": standard,
        "rule": rule,
        "scope": scope,
        "result": result,
        "value": value,
        "required": required,
        "unit": unit,
        "unknown_shelters": unknown,
        "certainty": certainty,
        "source": source,
    }
    return pd.DataFrame(columns, index=here.area.communities.index)
