"""A study area as location models see it: who could walk where, and for how many there is room."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import sparse

from shelterplan import access, allocation
from shelterplan.coverage import limit_of
from shelterplan.risk import vulnerability
from shelterplan.room import room_of
from shelterplan.scenario import WORST_LEVEL
from shelterplan.siting.reduce import merge_rows
from shelterplan.situation import situation

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from shelterplan.scenario import Scenario
    from shelterplan.siting.problem import Sparse
    from shelterplan.situation import Situation
    from shelterplan.standards import AccessStandard
    from shelterplan.study_area import StudyArea

Counted = Literal["possible", "confirmed"]
"""Whether a shelter of unknown size is taken to have room for everybody, or for nobody."""


@dataclass(frozen=True, eq=False)
class Ground:
    """Existing shelters and candidate sites of a study area under a scenario.

    Columns are the shelters, in their order, then the sites, in theirs; rows are the demand points.
    """

    area: StudyArea
    """As it is."""
    sites: gpd.GeoDataFrame
    """Sites that may be chosen: rows of the candidates table."""
    scenario: Scenario
    standard: AccessStandard
    counted: Counted

    @cached_property
    def whole(self) -> StudyArea:
        """The study area with every site."""
        return self.area.with_sites(self.sites) if len(self.sites) else self.area

    @cached_property
    def here(self) -> Situation:
        """What the scenario makes of it."""
        return situation(self.whole, self.scenario)

    @property
    def people(self) -> NDArray[np.float64]:
        """People at each demand point."""
        return self.here.people

    @property
    def fixed(self) -> NDArray[np.int64]:
        """Columns of the shelters that are there."""
        return np.arange(len(self.area.shelters))

    @property
    def district(self) -> NDArray[np.object_]:
        """District of each demand point."""
        communities = self.area.demand["community_id"]
        named: NDArray[np.object_] = (
            self.area.communities["district"].reindex(communities).to_numpy(object)
        )
        return named

    @cached_property
    def walks(self) -> Sparse:
        """Walks within the standard [m or s]; columns of shelters that are not used are empty."""
        return self.walks_up_to(limit_of(self.here, self.standard).value)

    def walks_up_to(self, limit: float) -> Sparse:
        """Return walks up to a limit in the unit of the standard [m or s]."""
        shape = (len(self.people), len(self.whole.shelters))
        if limit < 0:
            return sparse.csr_array(shape, dtype=float)
        unit = limit_of(self.here, self.standard).unit
        cutoff: dict[str, Any] = {f"cutoff_{unit}": limit}
        streets = self.here.open
        found = access.catchments(
            streets.network, streets.homes, self.here.doors, pace=streets.pace, by=unit, **cutoff
        )
        walks: Any = sparse.csr_array((found.data, found.indices, found.indptr), shape=shape)
        walks.sort_indices()
        checked: Sparse = walks
        return checked

    @cached_property
    def room(self) -> NDArray[np.float64] | None:
        """People each column has room for, `inf` for any number; None if room is not looked at."""
        if self.scenario.room == "ignored":
            return None
        room: NDArray[np.float64] = room_of(self.whole, self.standard)["room"].to_numpy(float)
        return np.where(np.isnan(room), np.inf if self.counted == "possible" else 0.0, room)

    def need(self) -> NDArray[np.float64]:
        """Return how much one person at each demand point counts: from 1 to 4.

        (1 + level / 4) of the hazard's worst zone there, times (1 + vulnerability) of the
        community, which holds its deprivation; what is not known counts 1.
        """
        hurt = vulnerability(self.area)["vulnerability"].fillna(0.0)
        by_point = hurt.reindex(self.area.demand["community_id"]).to_numpy(float)
        found: NDArray[np.float64] = (1 + self.here.level / WORST_LEVEL) * (1 + by_point)
        return found

    def placed(self, columns: Sequence[int] | NDArray[np.int64]) -> float:
        """Return how many people have a place if just these columns are there.

        The same as a coverage run finds; it takes no notice of how far people walk.
        """
        columns = np.asarray(columns, np.int64)
        taken: Any = sparse.csr_array(self.walks[:, columns])
        reach = sparse.csr_array(
            (np.ones(taken.nnz), taken.indices, taken.indptr), shape=taken.shape
        )
        merged = merge_rows(reach, self.people)
        if self.room is None:
            return float(merged.weights.sum())
        nowhere: Any = merged.cover * 0.0
        given = allocation.assign(nowhere, merged.weights, self.room[columns])
        return float(given.people.sum())
