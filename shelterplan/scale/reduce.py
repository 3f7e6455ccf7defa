"""What the tiles of a region come to together: one row a community, exact in any order of tiles."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from shelterplan.coverage import QUANTILES, STATUSES
from shelterplan.errors import AreaError
from shelterplan.scale import record
from shelterplan.scale.record import Where
from shelterplan.study_area import ATTRIBUTION
from shelterplan.tables import TIMES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    from shelterplan.scale.grid import Tile
    from shelterplan.scale.runner import Outcome
    from shelterplan.scale.stages import Parameters
    from shelterplan.scale.store import Region

MILLIONTHS: Final = 1_000_000
"""People are added up in whole millionths: exact in any order."""
NOT_COMPUTED: Final = "not_computed"
"""Of people in tiles that were left out nobody knows how they fare."""
_FARES: Final = (*STATUSES, NOT_COMPUTED)
_AT_RISK: Final = len(_FARES)
_METRES_MOST: Final = 1_000_000
"""Walks that are longer than this are counted as this long [m]."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Total:
    """How the people of a region fare."""

    communities: pd.DataFrame
    """One row a community: `name`, `district`, `population` (everybody), `covered_population` (who
    have a fit shelter within the standard; room is not looked at), `coverage_share` (of everybody;
    NaN without people), `not_computed_population`, `at_risk_people`, and one
    `<status>_population` for each other status. Everybody is in exactly one of them."""
    total: pd.Series
    """The same for the whole region, with quantiles of the walk in whole metres, rounded up: the
    longest walk of so many of the people whose walk was computed; NaN if it is beyond the
    cutoff."""
    uncounted_points: int
    """Demand points of which not even the people are known: their file is damaged."""
    notes: tuple[str, ...]
    """What everybody who sees the result must know."""
    manifest: dict[str, Any]
    """What the numbers were made from."""


def total_of(region: Region, outcome: Outcome, parameters: Parameters) -> Total:
    """Add up the walks of all tiles of a run.

    People are added as whole millionths, so the sums are the same in any order. Tiles are read one
    by one: what is held grows with the number of communities only.

    Parameters
    ----------
    region : Region
        The region.
    outcome : Outcome
        A run of `shelterplan.scale.stages` over it.
    parameters : Parameters
        Those of the run.

    Raises
    ------
    AreaError
        If a result is damaged, or names a community that is not in the region.
    """
    sums = _Sums(region.communities.index, parameters.cutoff_m)
    finished, uncounted = set(outcome.finished), []
    for tile in outcome.tiles:
        if ("demand", tile) not in region.parts:
            continue
        if tile in finished:
            sums.add(record.read(Where(outcome.run / "walks", str(tile)))["walks"])
        elif not sums.add_not_computed(region, tile, parameters):
            uncounted.append(tile)
    rows = region.communities[["name", "district"]].join(_table(sums.people, sums.index))
    total = _table(sums.people.sum(axis=0)[np.newaxis], pd.Index(["all"])).iloc[0]
    points = sum(region.parts["demand", tile].rows for tile in uncounted)
    return Total(
        communities=rows,
        total=pd.concat([total, sums.quantiles()]),
        uncounted_points=points,
        notes=(*_notes(outcome, parameters, uncounted, points), *region.notes),
        manifest=_manifest(region, outcome, parameters),
    )


class _Sums:
    """Sums that grow tile by tile."""

    def __init__(self, communities: pd.Index, cutoff_m: float) -> None:
        self.index = communities
        self.people = np.zeros((len(communities), len(_FARES) + 1), np.int64)
        """Millionths of people by community and by how they fare; at risk in the last column."""
        self._metres = np.zeros(min(int(np.ceil(cutoff_m)), _METRES_MOST) + 2, np.int64)
        """Millionths of people by the length of their walk [m]; the last have none."""

    def add(self, walks: pd.DataFrame) -> None:
        """Add the walks of a tile."""
        people = _millionths(walks["population"])
        row = self._rows(walks["community_id"])
        status = pd.Categorical(walks["status"], categories=list(STATUSES)).codes
        self._count(row, status.astype(np.int64), people)
        at_risk = (walks["hazard_level"] > 0).to_numpy(bool)
        self._count(row[at_risk], _AT_RISK, people[at_risk])
        # distances are whole millimetres: what is left of the division is no part of them
        metres = np.ceil(np.rint(walks["distance_m"].to_numpy(float) * 1000) / 1000)
        np.add.at(self._metres, np.minimum(metres, len(self._metres) - 1).astype(np.int64), people)

    def add_not_computed(self, region: Region, tile: Tile, parameters: Parameters) -> bool:
        """Add the people of a tile that was left out; return whether they could be counted."""
        try:
            demand = region.read("demand", tile)
        except AreaError:
            return False
        if demand is not None:
            people = _millionths(_present(demand, parameters.scenario.time))
            row = self._rows(demand["community_id"])
            self._count(row, _FARES.index(NOT_COMPUTED), people)
        return True

    def quantiles(self) -> pd.Series:
        """Return the longest walk of most people."""
        upto = np.cumsum(self._metres)
        found = {}
        for name, share in QUANTILES["distance_m"].items():
            at = int(np.searchsorted(upto, share * upto[-1])) if upto[-1] else len(upto)
            found[name] = float(at) if at < len(upto) - 1 else np.nan
        return pd.Series(found)

    def _count(
        self, row: NDArray[np.int64], column: NDArray[np.int64] | int, people: NDArray[np.int64]
    ) -> None:
        width = self.people.shape[1]
        np.add.at(self.people.reshape(-1), row * width + column, people)

    def _rows(self, communities: pd.Series) -> NDArray[np.int64]:
        row = self.index.get_indexer(pd.Index(communities))
        if (row < 0).any():
            strange = communities[row < 0].iloc[0]
            message = f"community {strange!r} of a demand point is not in the region. Make it again"
            raise AreaError(message)
        return row.astype(np.int64)


def _millionths(people: ArrayLike) -> NDArray[np.int64]:
    whole: NDArray[np.int64] = np.rint(np.asarray(people, float) * MILLIONTHS).astype(np.int64)
    return whole


def _present(demand: pd.DataFrame, time: str) -> pd.Series:
    """Return the people who are there at a time of day; where it is not known, the residents."""
    residents = demand["population"].astype(float)
    column = TIMES.get(time, "")
    if column not in demand:
        return residents
    there = demand[column].astype("Float64").astype(float)
    return there.fillna(residents)


def _table(people: NDArray[np.int64], index: pd.Index) -> pd.DataFrame:
    """Return people, shares and reasons of millionths."""
    everybody = people[:, : len(_FARES)].sum(axis=1)
    count = pd.DataFrame(people / MILLIONTHS, index, [*_FARES, "at_risk"])
    covered = people[:, STATUSES.index("covered")]
    share = np.divide(covered, everybody, out=np.full(len(people), np.nan), where=everybody > 0)
    columns = {
        "population": everybody / MILLIONTHS,
        "covered_population": count["covered"],
        "coverage_share": share,
        "not_computed_population": count[NOT_COMPUTED],
        "at_risk_people": count["at_risk"],
    }
    others = count[list(STATUSES[1:])].add_suffix("_population")
    return pd.DataFrame(columns, index).join(others)


def _notes(
    outcome: Outcome, parameters: Parameters, uncounted: Iterable[Tile], points: int
) -> list[str]:
    notes = []
    if len(outcome.finished) < len(outcome.tiles):
        notes.append(
            f"INCOMPLETE: {outcome.told}. The people of the others are counted as not computed, "
            "not as covered."
        )
    if points:
        tiles = ", ".join(map(str, uncounted))
        notes.append(
            f"The people of {points:,} places (demand points of the tiles {tiles}) are not even in "
            "the population: their file is damaged. Shares may be too high, numbers too low."
        )
    notes.append(
        "Room is not shared out over a region: covered people have a shelter within the standard "
        "that is fit, whether or not it has room for all of them."
    )
    notes.append(
        f"Walks are looked at up to {parameters.cutoff_m:,.0f} m: whoever has a longer one counts "
        "as too far."
    )
    return notes


def _manifest(region: Region, outcome: Outcome, parameters: Parameters) -> dict[str, Any]:
    standard = parameters.standard
    by_distance = standard.limit.unit == "m"
    return {
        "program": f"shelterplan {version('shelterplan')}",
        "region": {
            "title": region.title,
            "version": region.sha256,
            "crs": region.grid.crs_name,
            "tile_m": region.grid.tile_m,
            "notes": list(region.notes),
            "illustrative": sorted(region.illustrative),
            "sources": [dict(source) for source in region.sources],
        },
        "scenario": parameters.scenario.to_dict(),
        "standard": asdict(standard)
        | {"max_distance_m": standard.max_distance_m if by_distance else None},
        "cutoff_m": parameters.cutoff_m,
        "code": outcome.code,
        "tiles_done": len(outcome.finished),
        "tiles_total": len(outcome.tiles),
        "attribution": ATTRIBUTION,
    }
