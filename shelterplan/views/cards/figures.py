"""What a card says in figures: the shelters of a community, and its people by status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from shelterplan import coverage
from shelterplan.situation import hazards_of, situation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from shelterplan.coverage import Coverage
    from shelterplan.scenario import Scenario
    from shelterplan.study_area import StudyArea
    from shelterplan.views.cards.ways import Way

MOST_SHELTERS: Final = 3
"""Shelters that a card tells of in full."""
OUT_OF_REACH: Final = ("too_far", "no_path", "no_network", "unsafe", "cut_off")
"""Statuses of people who have no fit shelter within the standard."""
UNSURE: Final = ("full", "capacity_unknown")
"""Statuses of people who have one, but perhaps no place in it."""
MOST_HAZARDS: Final = 4
"""Hazards for which a card says whether a shelter is fit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shelter:
    """One shelter, as the people of one community meet it."""

    shelter_id: str
    name: str
    kind: str
    nearest_people: float
    """People of the community whose nearest fit shelter it is, however far."""
    sent_people: float
    """People of the community who have a place here though another one is nearer."""
    full_people: float
    """People of the community within its reach for whom it is expected to have no place."""
    mean_walk_m: float
    """Mean walk of those whose nearest it is; `inf` if it is nobody's [m]."""
    room: float
    """NaN if it is not known."""
    room_from: str
    """`stated`, `area` or `unknown`."""
    fills_at_share: float
    """See `coverage.Coverage.shelters`; NaN if it has room for all, or if that is not known."""
    fitness: Mapping[str, str]
    """By hazard: yes, no or unknown."""


def fitness_by_hazard(area: StudyArea, scenario: Scenario) -> dict[str, NDArray[np.object_]]:
    """Return whether each shelter is fit, for each hazard of which anything is known here.

    The scenario's hazard comes first. Zones of the others count at every level.
    """
    known = hazards_of(area)
    first = [scenario.hazard] if scenario.hazard else []
    found = {name: situation(area, scenario).fitness for name in first}
    plain = scenario.with_changes(
        hazard_level=1, return_period=None, phase="before", closed_streets=(), closed_areas=()
    )
    others = [name for name in known if name not in found][: MOST_HAZARDS - len(first)]
    for name in others:
        found[name] = situation(area, plain.with_changes(hazard=name)).fitness
    return found


def people_by_status(found: Coverage) -> pd.DataFrame:
    """Return the people of each community by status: one row a community, one column a status."""
    summed = coverage.summary(found.people, found.people["community_id"])
    named = {f"{status}_population": status for status in coverage.STATUSES}
    return summed.rename(columns=named)[list(coverage.STATUSES)]


class Met:
    """How the people of every community meet the shelters; built once for all cards."""

    def __init__(self, area: StudyArea, scenario: Scenario, found: Coverage) -> None:
        self.area, self.found = area, found
        self.fitness = fitness_by_hazard(area, scenario)
        people = found.people
        weight = people["population"].to_numpy(float)
        table = pd.DataFrame(
            {
                "community_id": people["community_id"].to_numpy(object),
                "nearest": people["shelter_id"].to_numpy(object),
                "place": people["assigned_id"].to_numpy(object),
                "people": weight,
                "walk": np.multiply(
                    weight,
                    people["distance_m"].to_numpy(float),
                    where=weight > 0,
                    out=np.zeros_like(weight),
                ),
                "reached": people["status"].isin(coverage.REACHED).to_numpy(),
            }
        )
        self.looked = scenario.room != "ignored"
        elsewhere = table["nearest"] != table["place"].fillna("")
        self.nearest = _by(table[table["nearest"].notna()], "nearest")
        self.sent = _by(table[table["place"].notna() & elsewhere], "place")
        self.full = _by(table[table["reached"] & elsewhere & self.looked], "nearest")
        self.walk = _by(table[table["nearest"].notna()], "nearest", "walk")

    def shelters(self, community: str, ways: Sequence[Way]) -> tuple[Shelter, ...]:
        """Return the shelters of a community, the nearest first.

        Those to which the most of its people go, as the nearest or because a nearer one is full;
        of equal ones, those to which ways from its main streets lead.
        """
        near, sent = (_of(table, community) for table in (self.nearest, self.sent))
        led = pd.Series(1.0, [way.shelter_id for way in ways if way.shelter_id], dtype=float)
        led = led.groupby(level=0).sum()
        weight = near.add(sent, fill_value=0.0).add(led * 1e-9, fill_value=0.0)
        chosen = weight[weight > 0].sort_values(ascending=False, kind="stable").index
        told = [self._shelter(str(key), community) for key in chosen[:MOST_SHELTERS]]
        return tuple(sorted(told, key=lambda one: (one.mean_walk_m, one.shelter_id)))

    def others(self, community: str, told: Sequence[Shelter]) -> tuple[int, float]:
        """Return how many more shelters are the nearest for somebody, and for how many people."""
        near = _of(self.nearest, community)
        rest = near[(near > 0) & ~near.index.isin([one.shelter_id for one in told])]
        return len(rest), float(rest.sum())

    def _shelter(self, key: str, community: str) -> Shelter:
        row = self.area.shelters.loc[key].to_dict()
        used = self.found.shelters.loc[key].to_dict()
        number = int(self.area.shelters.index.get_indexer([key])[0])
        near = _one(self.nearest, community, key)
        return Shelter(
            shelter_id=key,
            name=str(row["name"]),
            kind=row["kind"] if isinstance(row["kind"], str) else "",
            nearest_people=near,
            sent_people=_one(self.sent, community, key),
            full_people=_one(self.full, community, key),
            mean_walk_m=_one(self.walk, community, key) / near if near > 0 else np.inf,
            room=float(used["room"]),
            room_from=str(used["room_from"]),
            fills_at_share=float(used.get("fills_at_share", np.nan)),
            fitness={name: str(fit[number]) for name, fit in self.fitness.items()},
        )


def _by(table: pd.DataFrame, column: str, value: str = "people") -> pd.Series[Any]:
    summed: pd.Series[Any] = table.groupby(["community_id", column])[value].sum()
    return summed


def _of(summed: pd.Series[Any], community: str) -> pd.Series[Any]:
    """Return what belongs to one community, by shelter."""
    if community not in summed.index.get_level_values(0):
        return pd.Series(dtype=float)
    part: pd.Series[Any] = summed.loc[community]
    return part


def _one(summed: pd.Series[Any], community: str, shelter: str) -> float:
    return float(summed.get((community, shelter), 0.0))
