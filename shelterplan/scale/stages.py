"""What is done with each tile of a region, and what the tiles come to together.

Three stages follow each other, for the coverage of a whole region as for its smallest tile:

- `parts` finds the connected parts of the streets,
- `doors` finds which of them lead to a shelter,
- `walks` finds for each demand point the nearest shelter, and its status.

A task is a pure function of files, a tile and parameters: it can be done anywhere, and again.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from shelterplan import coverage, tables
from shelterplan.errors import AreaError, UnknownNameError
from shelterplan.scale import parts
from shelterplan.scale.grid import Box, Tile, boxes_around, halo_m
from shelterplan.scale.store import Part, Region
from shelterplan.scale.tile_area import TileArea, bare, tile_area
from shelterplan.scenario import Scenario, ScenarioError, Walker
from shelterplan.situation import situation
from shelterplan.standards import AccessStandard
from shelterplan.study_area import passable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

STAGES: Final = ("parts", "doors", "walks")
"""In the order in which they follow each other."""
WALKED: Final = (
    "demand_id",
    "community_id",
    "population",
    "shelter_id",
    "distance_m",
    "walk_time_s",
    "hazard_level",
)
"""Columns of a walk besides its status."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameters:
    """All that a task depends on besides files and code."""

    scenario: Scenario
    standard: AccessStandard
    cutoff_m: float
    """Longest walk that is looked at [m]."""

    @classmethod
    def of(
        cls, scenario: Scenario, standard: AccessStandard, *, cutoff_m: float | None = None
    ) -> Parameters:
        """Return checked parameters; without a cutoff, no walk beyond the standard is looked at.

        Raises
        ------
        ScenarioError
            If streets are closed by number, which mean nothing in a region, or the cutoff is
            shorter than the standard's longest walk.

        Examples
        --------
        >>> Parameters.of(Scenario(), AccessStandard(max_distance_m=800)).cutoff_m
        800.0
        """
        if scenario.closed_streets:
            message = "streets cannot be closed by their number in a region: close areas instead"
            raise ScenarioError(message)
        limit = standard.limit
        longest = limit.value
        if limit.unit == "s":
            longest = max(0.0, limit.value - scenario.delay_s) * fastest_m_s(scenario)
        if cutoff_m is None:
            cutoff_m = float(longest)
        if not (math.isfinite(cutoff_m) and cutoff_m >= longest):
            message = f"the cutoff must be a number of at least {longest:,.0f} m, the longest walk"
            raise ScenarioError(message)
        return cls(scenario=scenario, standard=standard, cutoff_m=cutoff_m)

    @property
    def halo_m(self) -> float:
        """How far a tile is widened [m]."""
        return halo_m(self.cutoff_m, self.scenario.max_leg_m)

    def as_text(self) -> str:
        """Return everything as one line of JSON: equal for equal parameters."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=True)

    @classmethod
    def of_text(cls, text: str) -> Parameters:
        """Return the parameters of a text that `as_text` made.

        Examples
        --------
        >>> own = Parameters.of(Scenario(), AccessStandard())
        >>> Parameters.of_text(own.as_text()) == own
        True
        """
        content = json.loads(text)
        scenario = content["scenario"]
        scenario["walker"] = Walker(**scenario["walker"])
        settings: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in scenario.items()
        }
        return cls(
            scenario=Scenario(**settings),
            standard=AccessStandard(**content["standard"]),
            cutoff_m=content["cutoff_m"],
        )


def fastest_m_s(scenario: Scenario) -> float:
    """Return the walker's highest speed on any street [m/s]."""
    return max(scenario.speed_m_s, scenario.stairs_speed_m_s)


def task_file(run: Path, stage: str, tile: Tile, name: str) -> Path:
    """Return where a table of a task lies."""
    return run / stage / f"{tile}.{name}.parquet"


def total_file(run: Path, stage: str, name: str) -> Path:
    """Return where a table lies to which all tiles of a stage come together."""
    return run / f"{stage}.{name}.parquet"


def box_of(stage: str, region: Region, tile: Tile, parameters: Parameters) -> Box:
    """Return what a task looks at: its tile, and as much around it as it needs."""
    around = {
        "parts": 0.0,
        "doors": halo_m(0.0, parameters.scenario.max_leg_m),
        "walks": parameters.halo_m,
    }
    return region.grid.box(tile, around[stage])


def needs(stage: str, region: Region, tile: Tile, parameters: Parameters) -> list[Tile]:
    """Return the tiles whose connected parts a task reads."""
    if stage == "parts":
        return []
    return [
        part.tile for part in region.parts_in("streets", box_of(stage, region, tile, parameters))
    ]


def inputs(stage: str, region: Region, tile: Tile, parameters: Parameters) -> list[tuple[str, str]]:
    """Return name and hash of each file of the region that a task reads."""
    own = {"parts": "streets", "walks": "demand"}
    found = [region.parts[key] for key in [(own.get(stage, ""), tile)] if key in region.parts]
    if stage != "parts":
        box = box_of(stage, region, tile, parameters)
        for table in ("streets", "entrances", "shelters"):
            found += region.parts_in(table, box)
    if stage == "walks" and parameters.scenario.hazard:
        # a shelter may be so large that a zone touches it far away from the tile
        found += [part for (table, _), part in region.parts.items() if table == "hazards"]
    return sorted({(part.file, part.sha256) for part in found})


def execute(
    stage: str, region: Region, tile: Tile, parameters: Parameters, run: Path
) -> dict[str, pd.DataFrame]:
    """Do one task.

    Parameters
    ----------
    stage : str
        One of `STAGES`.
    region : Region
        The region.
    tile : Tile
        The tile.
    parameters : Parameters
        What is asked.
    run : Path
        Folder with the results of the stages before.

    Returns
    -------
    dict of DataFrame
        Tables by name: for `parts` see `parts.parts_of_tile`; for `doors` `leading`; for `walks`
        `walks`, one row a demand point of the tile.

    Raises
    ------
    AreaError
        If a file of the region is damaged; it is named.
    """
    return _DONE[stage](region, tile, parameters, run)


def _parts(
    region: Region, tile: Tile, parameters: Parameters, run: Path
) -> dict[str, pd.DataFrame]:
    del run
    streets = region.columns("streets", tile, _TO_JOIN)
    if streets is None:
        streets = bare("streets").assign(edge=_NONE, home=pd.array([], dtype="str"))
    return parts.parts_of_tile(streets, passable(streets, parameters.scenario.walker), tile)


def _doors(
    region: Region, tile: Tile, parameters: Parameters, run: Path
) -> dict[str, pd.DataFrame]:
    """Find the parts to which somebody can walk into a shelter of the tile, day by day."""
    own = region.read("entrances", tile)
    if own is None:
        return {"leading": pd.DataFrame({"part": _NONE})}
    scenario = parameters.scenario
    near = boxes_around(own.geometry.x.to_numpy(), own.geometry.y.to_numpy(), scenario.max_leg_m)
    area = area_of("doors", region, tile, parameters, run, around=near)
    _refuse_unsure(area, region, run, ("parts",))
    usual = Scenario(
        walker=scenario.walker,
        max_leg_m=scenario.max_leg_m,
        island_slack_m=scenario.island_slack_m,
    )
    doors = area.every_door(usual)
    here = doors.snapped & area.usable(usual) & area.entrances.index.isin(own.index)
    part = area.edge_part[area.passable(scenario.walker)][doors.edge[here]]
    return {"leading": pd.DataFrame({"part": np.unique(part)})}


def _walks(
    region: Region, tile: Tile, parameters: Parameters, run: Path
) -> dict[str, pd.DataFrame]:
    """Find the walks of the people in a tile."""
    area = area_of("walks", region, tile, parameters, run)
    _refuse_unsure(area, region, run, ("parts", "doors"))
    here = situation(area, parameters.scenario, part=True)
    found = coverage.walks(
        here,
        coverage.limit_of(here, parameters.standard),
        cutoff_m=parameters.cutoff_m,
        fastest_m_s=fastest_m_s(parameters.scenario),
    )
    status = found["status"].to_numpy(object)
    leads = np.append(area.leads_somewhere(parameters.scenario), False)[here.whole.homes.edge]
    status[(status == "too_far") & ~leads] = "no_path"
    walks = pd.DataFrame(found.reset_index()[list(WALKED)])
    walks = walks.astype({"demand_id": "str", "community_id": "str"})
    return {"walks": walks.assign(status=pd.array(status, dtype="str"))}


_DONE: Final = {"parts": _parts, "doors": _doors, "walks": _walks}
_NONE: Final = np.zeros(0, np.int64)
_TO_JOIN: Final = ("edge", "from", "to", "home", "length_m", "steps", "wheelchair")
"""What has to be known of a street to find the part that it lies in."""


def _refuse_unsure(area: TileArea, region: Region, run: Path, stages: Sequence[str]) -> None:
    """Raise if streets here may go on, or lead to a shelter, in a tile that was left out.

    While one is missing, which part is the longest is not known, nor which parts hang together. It
    makes no difference only where all streets are of one part, and that leads to a shelter.
    """
    lost = [str(tile) for stage in stages for tile in _lost(region, run, stage)]
    near = np.unique(area.edge_part[area.edge_part >= 0])
    sure = len(near) <= 1 and ("doors" not in stages or np.isin(near, area.leading).all())
    if lost and not sure:
        message = (
            f"whether all streets here lead to a shelter cannot be said while tile {lost[0]} is "
            "left out"
        )
        raise AreaError(message)


def _lost(region: Region, run: Path, stage: str) -> list[Tile]:
    """Return the tiles that a stage has left out."""
    done = set(pd.read_parquet(total_file(run, stage, "tiles"))["tile"])
    return [tile for tile in region.tiles if str(tile) not in done]


def area_of(
    stage: str,
    region: Region,
    tile: Tile,
    parameters: Parameters,
    run: Path,
    *,
    around: NDArray[np.float64] | None = None,
) -> TileArea:
    """Return a tile with what a task needs around it, and what is known of the whole region.

    Parameters
    ----------
    stage, region, tile, parameters, run
        See `execute`.
    around : array of float, shape (n, 4), optional
        Boxes (lon, lat): only streets that meet one of them are needed.
    """
    whole = pd.read_parquet(total_file(run, "parts", "parts"))
    known = {tile: rows.to_numpy(np.int64) for tile, rows in whole.groupby("tile")["whole"]}

    def part_of(streets: Part) -> NDArray[np.int64]:
        near = streets.tile
        edges = pq.read_table(task_file(run, "parts", near, "edges"), columns=["part"])
        if len(edges) != streets.rows:
            message = f"the parts of the streets in tile {near} are damaged. Run it again."
            raise AreaError(message)
        # -1, where nobody can pass, is the last one
        part = np.append(known.get(str(near), _NONE), -1)
        found: NDArray[np.int64] = part[edges["part"].to_numpy()]
        return found

    leading = None
    if stage == "walks":
        leading = pd.read_parquet(total_file(run, "doors", "leading"))["part"].to_numpy(np.int64)
    return tile_area(
        region,
        tile,
        box_of(stage, region, tile, parameters),
        demand=stage == "walks",
        around=around,
        part_of=part_of,
        leading=leading,
    )


def reduce(
    stage: str, tiles: Iterable[Tile], results: Callable[[Tile], Mapping[str, pd.DataFrame]]
) -> dict[str, pd.DataFrame]:
    """Return what all tiles of a stage come to together, for the stages after it.

    Parameters
    ----------
    stage : str
        One of `STAGES`; nothing comes of `walks`.
    tiles : iterable of Tile
        Every tile that was done, row by row.
    results : callable
        What `execute` returned for a tile; asked as often as needed, so that few are held at once.
    """
    every = list(tiles)
    done = {"tiles": pd.DataFrame({"tile": pd.array([str(tile) for tile in every], dtype="str")})}
    if stage == "parts":
        return {"parts": parts.joined(every, results), **done}
    if stage == "doors":
        found = [results(tile)["leading"]["part"].to_numpy(np.int64) for tile in every]
        return {
            "leading": pd.DataFrame({"part": np.unique(np.concatenate([_NONE, *found]))}),
            **done,
        }
    return {}


def refuse_strangers(region: Region, parameters: Parameters) -> None:
    """Raise if a scenario names a hazard or a shelter that the region does not know.

    Raises
    ------
    UnknownNameError
        If nobody has heard of the hazard.
    ScenarioError
        If a shelter does not exist.
    """
    scenario = parameters.scenario
    zones: set[str] = set()
    asked = scenario.hazard not in {*tables.HAZARDS, ""}
    lost = set(scenario.closed_shelters)
    for table, tile in region.parts:
        if asked and table == "hazards":
            zones |= set(_rows(region, "hazards", tile)["hazard"])
        if lost and table == "shelters":
            lost -= set(_rows(region, "shelters", tile).index)
    if asked and scenario.hazard not in zones:
        raise UnknownNameError("hazard", scenario.hazard, sorted({*tables.HAZARDS, *zones}))
    if lost:
        message = f"closed_shelters names shelters that do not exist: {', '.join(sorted(lost)[:5])}"
        raise ScenarioError(message)


def _rows(region: Region, table: str, tile: Tile) -> gpd.GeoDataFrame:
    found = region.read(table, tile)
    return bare(table) if found is None else found
