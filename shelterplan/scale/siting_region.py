"""The best sites of a whole region: who could walk where, tile by tile, then part by part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy import sparse

from shelterplan.progress import Progress, silent
from shelterplan.scale import record, runner
from shelterplan.scale.record import Where
from shelterplan.scale.reduce import MILLIONTHS, Total, total_of
from shelterplan.scale.siting import Divided, cover_by_parts
from shelterplan.scale.siting_parts import in_order
from shelterplan.scale.siting_stages import REACH
from shelterplan.scale.stages import refuse_strangers
from shelterplan.scale.store import Region
from shelterplan.scale.tile_area import bare
from shelterplan.siting.watch import never

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from shelterplan.scale.runner import Outcome
    from shelterplan.scale.stages import Parameters

WORK: Final = "shelterplan.scale.siting_stages"
"""Module that says what is done with each tile."""
UNIT: Final = "people newly within reach"
"""What a plan for a region has the most of."""


class Reach(NamedTuple):
    """Who could walk to which candidate, of those whom no shelter reaches."""

    cover: Any
    """Sparse matrix, shape (points, sites)."""
    millionths: NDArray[np.int64]
    """People at each point, in millionths, shape (points,)."""
    sites: pd.Index
    """Ids of the sites that reach anybody, ascending."""
    refused: pd.Series
    """Why nobody would be sent to a site, by its id."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RegionPlan:
    """A plan for a region."""

    sites: gpd.GeoDataFrame
    """The chosen candidates, each the best to build after those before it: `step`,
    `newly_covered_population`, `covered_after` (people of the whole region within reach)."""
    divided: Divided
    """How it was found, and how sure it is; the objective is people newly within reach."""
    total: Total
    """How people fare without it."""
    outcome: Outcome
    """Which tiles were computed."""
    candidates: int
    """Candidates of the region."""
    refused: pd.Series
    """Number of candidates that nobody would be sent to, by reason."""

    @property
    def share_before(self) -> float:
        """Share of people within reach of a shelter."""
        return float(self.total.total["coverage_share"])

    @property
    def share_after(self) -> float:
        """The same, with the chosen sites."""
        people = float(self.total.total["population"])
        return self.covered_after / people if people else float("nan")

    @property
    def covered_after(self) -> float:
        """People within reach with the chosen sites."""
        before = float(self.total.total["covered_population"])
        return before + float(self.sites["newly_covered_population"].sum())


def suggest(
    region_folder: Path,
    folder: Path | None,
    parameters: Parameters,
    count: int,
    *,
    time_limit_s: float = 60.0,
    workers: int | None = None,
    cluster: str | None = None,
    limit_s: float = runner.LIMIT_S,
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
) -> RegionPlan:
    """Find the sites of a region that bring most people within reach of a shelter.

    Room is not looked at: see `reduce.Total`. What `region run` has computed for the same question
    is not computed again.

    Parameters
    ----------
    region_folder : Path
        Folder of the region.
    folder : Path, optional
        Folder for the results; by default within the region.
    parameters : Parameters
        What is asked.
    count : int
        Most sites.
    time_limit_s : float
        How long sites may be looked for, once it is known who could walk where [s].
    workers, cluster, limit_s, progress
        See `runner.run`.
    stop : callable
        Asked now and then whether to return the best plan so far.

    Raises
    ------
    AreaError
        If the region cannot be opened, or a result is damaged.
    RunError
        If the tiles cannot be worked on.
    """
    region = Region.open(region_folder)
    refuse_strangers(region, parameters)
    outcome = runner.run(
        region_folder,
        folder,
        parameters,
        workers=workers,
        cluster=cluster,
        limit_s=limit_s,
        work=WORK,
        progress=progress,
    )
    total = total_of(region, outcome, parameters)
    reach = reach_of(outcome)
    divided = cover_by_parts(
        reach.cover,
        reach.millionths / MILLIONTHS,
        count,
        time_limit_s=time_limit_s,
        progress=progress,
        stop=stop,
    )
    return RegionPlan(
        sites=_in_order(region, outcome, reach, divided, float(total.total["covered_population"])),
        divided=divided,
        total=total,
        outcome=outcome,
        candidates=sum(
            part.rows for (table, _), part in region.parts.items() if table == "candidates"
        ),
        refused=reach.refused.value_counts().sort_index(),
    )


def reach_of(outcome: Outcome) -> Reach:
    """Bring together who could walk where: two numbers for each point and site that it could reach.

    Raises
    ------
    AreaError
        If a result is damaged; it is named.
    """
    points, sites, millionths, ids = [_NONE], [_NONE], [_NONE], []
    refused = [pd.Series([], dtype="str")]
    first_point = first_id = 0
    for tile in outcome.finished:
        found = record.read(Where(outcome.run / REACH, str(tile)))
        points.append(found["pairs"]["point"].to_numpy(np.int64) + first_point)
        sites.append(found["pairs"]["site"].to_numpy(np.int64) + first_id)
        millionths.append(found["points"]["people_millionths"].to_numpy(np.int64))
        ids.append(found["sites"]["site_id"])
        refused.append(found["refused"].set_index("site_id")["reason"])
        first_point += len(found["points"])
        first_id += len(found["sites"])
    every = pd.concat([pd.Series([], dtype="str"), *ids])
    code, named = pd.factorize(every, sort=True)
    row, column = np.concatenate(points), code[np.concatenate(sites)]
    cover = sparse.csr_array((np.ones(len(row)), (row, column)), shape=(first_point, len(named)))
    return Reach(cover, np.concatenate(millionths), pd.Index(named), pd.concat(refused))


_NONE: Final = np.zeros(0, np.int64)


def _in_order(
    region: Region, outcome: Outcome, reach: Reach, divided: Divided, before: float
) -> gpd.GeoDataFrame:
    """Return the chosen sites, each the one that adds most to those before it."""
    columns = sparse.csc_array(reach.cover)
    chosen = np.array(divided.result.selected, np.int64)
    order, gains = in_order(columns.indptr, columns.indices, reach.millionths, chosen)
    ids = reach.sites[order]
    found = [region.read("candidates", tile) for tile in outcome.tiles]
    rows = pd.concat([bare("candidates"), *(one for one in found if one is not None)])
    rows = gpd.GeoDataFrame(rows[~rows.index.duplicated()].loc[ids], crs="EPSG:4326")
    return rows.assign(
        step=np.arange(1, len(ids) + 1),
        newly_covered_population=gains / MILLIONTHS,
        covered_after=before + np.cumsum(gains) / MILLIONTHS,
    )
