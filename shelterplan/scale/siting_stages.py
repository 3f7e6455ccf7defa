"""What is done with each tile of a region to choose sites: who could walk to which candidate.

The stages are those of `stages`, and `reach` after them: the demand points of a tile that no
shelter reaches, and the candidates of the widened tile that do. Of a country, nothing more comes
together than these pairs, with demand points of a tile that the same sites reach put together.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy import sparse

from shelterplan import access
from shelterplan.coverage import limit_of
from shelterplan.errors import AreaError
from shelterplan.memory import Memory
from shelterplan.scale import stages
from shelterplan.scale.grid import Box, Tile
from shelterplan.scale.reduce import MILLIONTHS
from shelterplan.scale.stages import Parameters
from shelterplan.scale.store import Region
from shelterplan.scale.tile_area import bare
from shelterplan.sites import entrances_of, joined, refuse_taken, shelters_of
from shelterplan.siting.reduce import merge_rows
from shelterplan.situation import situation
from shelterplan.tables import checked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from shelterplan.scale.tile_area import TileArea
    from shelterplan.situation import Situation

__all__ = ["STAGES", "Parameters", "execute", "inputs", "needs", "reduce"]

REACH: Final = "reach"
STAGES: Final = (*stages.STAGES, REACH)
"""In the order in which they follow each other."""
WIDEST_M: Final = 2000.0
"""A candidate site may be so long or wide [m]."""


def needs(stage: str, region: Region, tile: Tile, parameters: Parameters) -> list[Tile]:
    """Return the tiles whose results of earlier stages a task reads, or depends on.

    Whom a shelter reaches is told by the walks of the tile itself; they depend on its neighbours.
    """
    return [tile] if stage == REACH else stages.needs(stage, region, tile, parameters)


def inputs(stage: str, region: Region, tile: Tile, parameters: Parameters) -> list[tuple[str, str]]:
    """Return name and hash of each file of the region that a task reads."""
    found = stages.inputs("walks" if stage == REACH else stage, region, tile, parameters)
    if stage == REACH:
        box = _around(region, tile, parameters)
        for table in ("candidates", "streets"):
            found += [(part.file, part.sha256) for part in region.parts_in(table, box)]
    return sorted(set(found))


def execute(
    stage: str, region: Region, tile: Tile, parameters: Parameters, run: Path
) -> dict[str, pd.DataFrame]:
    """Do one task; see `stages.execute`.

    Returns
    -------
    dict of DataFrame
        For `reach`: `sites` (`site_id`), those within reach of anybody; `points`
        (`people_millionths`), demand points of the tile that no shelter reaches but a site does;
        `pairs` (`point`, `site`: rows of the other two); `refused` (`site_id`, `reason`), the sites
        of the tile to which nobody would be sent, for one of `situation.REASONS`.
    """
    if stage != REACH:
        return stages.execute(stage, region, tile, parameters, run)
    return _reach(region, tile, parameters, run)


def reduce(
    stage: str, tiles: Iterable[Tile], results: Callable[[Tile], Mapping[str, pd.DataFrame]]
) -> dict[str, pd.DataFrame]:
    """Return what all tiles of a stage come to together, for the stages after it."""
    return {} if stage == REACH else stages.reduce(stage, tiles, results)


def _around(region: Region, tile: Tile, parameters: Parameters) -> Box:
    """Return where the streets may lie by which candidates near a tile are entered."""
    return region.grid.box(tile, parameters.halo_m + WIDEST_M + parameters.scenario.max_leg_m)


def _reach(
    region: Region, tile: Tile, parameters: Parameters, run: Path
) -> dict[str, pd.DataFrame]:
    sites = _candidates(region, tile, parameters)
    own = region.read("candidates", tile)
    if not len(sites) or (own is None and ("demand", tile) not in region.parts):
        return _result([], np.zeros(0, np.int64), sparse.csr_array((0, 0)), [], [])
    area = stages.area_of("walks", region, tile, parameters, run)
    refuse_taken(sites, area.shelters)
    here = situation(
        _with_sites(area, sites, region, parameters, tile), parameters.scenario, part=True
    )
    walks = pd.read_parquet(stages.task_file(run, "walks", tile, "walks")).set_index("demand_id")
    reached = (walks["status"].reindex(area.demand.index) == "covered").to_numpy(bool)
    people = np.where(reached, 0, np.rint(here.people * MILLIONTHS).astype(np.int64))
    cover = _cover(here, len(area.shelters), len(sites), parameters)
    merged = merge_rows(sparse.csr_array(cover[people > 0]), people[people > 0].astype(float))
    reason = here.reason[len(area.shelters) :]
    refused = (reason != "") & sites.index.isin([] if own is None else own.index)
    return _result(
        sites.index.to_numpy(object),
        np.rint(merged.weights).astype(np.int64),
        merged.cover,
        sites.index[refused].to_numpy(object),
        reason[refused],
    )


def _candidates(region: Region, tile: Tile, parameters: Parameters) -> gpd.GeoDataFrame:
    """Return the candidates to which somebody in a tile could walk, and some more.

    Raises
    ------
    AreaError
        If one is so large that it could be missed from another tile.
    """
    box = region.grid.box(tile, parameters.halo_m + WIDEST_M)
    found = region.near("candidates", box)
    if found is None:
        return bare("candidates")
    bounds = found.geometry.to_crs(region.grid.crs).bounds
    size = np.maximum(bounds["maxx"] - bounds["minx"], bounds["maxy"] - bounds["miny"])
    if (size > WIDEST_M).any():
        message = (
            f"candidate site {size.idxmax()!r} is {size.max():,.0f} m across; in a region "
            f"{WIDEST_M:,.0f} m is the most: divide it into several sites"
        )
        raise AreaError(message)
    return checked("candidates", found)


def _with_sites(
    area: TileArea, sites: gpd.GeoDataFrame, region: Region, parameters: Parameters, tile: Tile
) -> TileArea:
    """Return a tile as it would be if the candidates near it were shelters."""
    around = _around(region, tile, parameters)
    outlined = bool((sites.geom_type != "Point").any())
    streets = region.near("streets", around) if outlined else None
    doors = entrances_of(sites, area.streets if streets is None else streets, area.crs)
    zones = region.near("hazards", around) if parameters.scenario.hazard else None
    return replace(
        area,
        shelters=joined(area.shelters, shelters_of(sites)),
        entrances=joined(area.entrances, doors),
        hazards=area.hazards if zones is None else zones,
        memory=Memory(),
        _snapped={},
        _origin=area if zones is None else replace(area, hazards=zones, memory=Memory()),
    )


def _cover(here: Situation, first: int, count: int, parameters: Parameters) -> Any:  # noqa: ANN401
    """Return which sites each demand point could walk to in time, shape (demand, sites)."""
    limit = limit_of(here, parameters.standard)
    doors = here.doors
    doors = doors.take(np.flatnonzero(doors.owner >= first))
    shape = (len(here.people), first + count)
    if limit.value < 0 or not len(doors):
        return sparse.csr_array((shape[0], count))
    streets = here.open
    cutoff: dict[str, Any] = {f"cutoff_{limit.unit}": limit.value}
    found = access.catchments(
        streets.network, streets.homes, doors, pace=streets.pace, by=limit.unit, **cutoff
    )
    reach = sparse.csr_array((np.ones(found.nnz), found.indices, found.indptr), shape=shape)
    reach.sort_indices()
    return sparse.csr_array(reach[:, first:])


def _result(
    sites: Iterable[str],
    people: np.ndarray,
    cover: Any,  # noqa: ANN401  (scipy's sparse arrays have no common type)
    refused: Iterable[str],
    reasons: Iterable[str],
) -> dict[str, pd.DataFrame]:
    """Return the tables of a task; sites that reach nobody are left out."""
    entries = sparse.coo_array(cover)
    point, column = entries.coords
    used, site = np.unique(column, return_inverse=True)
    ids = np.asarray(list(sites), object)[used]
    return {
        "sites": pd.DataFrame({"site_id": pd.array(ids, dtype="str")}),
        "points": pd.DataFrame({"people_millionths": people}),
        "pairs": pd.DataFrame({"point": point.astype(np.int32), "site": site.astype(np.int32)}),
        "refused": pd.DataFrame(
            {
                "site_id": pd.array(list(refused), dtype="str"),
                "reason": pd.array(list(reasons), dtype="str"),
            }
        ),
    }
