"""A study area: checked tables of one place, their sources, and what was left out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from shelterplan import area_files, earth, tables
from shelterplan.entrances import find_entrances
from shelterplan.errors import AreaError
from shelterplan.memory import Memory
from shelterplan.network import WalkNetwork
from shelterplan.progress import Progress, silent
from shelterplan.scenario import Scenario
from shelterplan.sites import entrances_of, joined, refuse_taken, shelters_of
from shelterplan.snap import Places, snap

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from shelterplan.scenario import Walker
    from shelterplan.sources.osm import Streets

ATTRIBUTION = "© OpenStreetMap contributors, ODbL 1.0"
"""Shown on every map and export that holds OSM data."""
TABLES = (*tables.TABLES, "dropped", "quarantine")
"""Names of the tables that are saved."""
DROPPED = ("rule", "reason", "ways", "length_m")
QUARANTINE = ("table", "row", "column", "problem", "mend")
SAME_PLACE_DEG = 1e-6
"""Ends of streets that lie no farther apart are at one place [degrees]: 0.11 m at most."""
AROUND = 0.05
"""How far around the study area closed ground is looked at [degrees]."""
CORNER_EVERY = 0.001
"""Borders of zones are no straighter than this in another projection [degrees]."""
NOT_USABLE = ("closed", "full")
"""Status of shelters to which nobody is sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where a table came from."""

    table: str
    """Table that it went into."""
    name: str
    """File name or service; never a path of a machine."""
    date: str = ""
    """Date of the data, ISO 8601; empty if unknown."""
    licence: str = ""
    """Licence and attribution."""
    sha256: str = ""
    """Hash of the file as it was read."""
    note: str = ""
    """What was done with it, and how sure we are of it."""


class _Abilities(NamedTuple):
    """What decides which streets and entrances a walker can use; the speed does not."""

    steps: bool
    wheelchair: bool


def _abilities(walker: Walker | None) -> _Abilities:
    return _Abilities(
        steps=walker is None or walker.steps, wheelchair=walker is not None and walker.wheelchair
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class StudyArea:
    """Checked tables in lon/lat, and the network made of them in one metric CRS.

    Open one with `open`, make one with `build`. Nothing in it is ever changed.

    Examples
    --------
    >>> area = StudyArea.open("monaco")
    >>> area.title, len(area.communities), int(area.demand["population"].sum())
    ('Monaco', 9, 38367)
    """

    name: str
    title: str
    crs: pyproj.CRS
    """Metric CRS of the study area."""
    communities: gpd.GeoDataFrame
    demand: gpd.GeoDataFrame
    shelters: gpd.GeoDataFrame
    entrances: gpd.GeoDataFrame
    candidates: gpd.GeoDataFrame
    hazards: gpd.GeoDataFrame
    """Hazard zones."""
    places: gpd.GeoDataFrame
    streets: gpd.GeoDataFrame
    dropped: pd.DataFrame
    """What was left out of the streets: `rule`, `reason`, `ways`, `length_m`."""
    quarantine: pd.DataFrame
    """Rows that could not be used: `table`, `row`, `column`, `problem`, `mend`."""
    sources: tuple[Source, ...] = ()
    notes: tuple[str, ...] = ()
    """What everybody who sees a result must know."""
    translations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Notes, and notes of sources, in other languages: by language code, then by English text."""
    illustrative: frozenset[str] = frozenset()
    """Tables that hold synthetic or illustrative data."""
    _digests: Mapping[str, str] = field(default_factory=dict, repr=False)
    _snapped: dict[tuple[object, ...], Places] = field(default_factory=dict, repr=False)
    _networks: dict[_Abilities, WalkNetwork] = field(default_factory=dict, repr=False)
    memory: Memory = field(default_factory=Memory, repr=False)
    """What was worked out for the last scenarios."""
    _origin: StudyArea | None = field(default=None, repr=False)
    """The study area without the sites that `with_sites` added."""

    @classmethod
    def open(cls, area: str | os.PathLike[str]) -> StudyArea:
        """Open a study area's folder, or an embedded one by its name.

        Raises
        ------
        AreaError
            If there is none, or a file of it is missing or damaged; the file is named.
        """
        known, folder = embedded_areas(), Path(area)
        if not (folder / area_files.MANIFEST).is_file():
            folder = known.get(str(area), folder)
        if not (folder / area_files.MANIFEST).is_file():
            message = (
                f"{str(area)!r} is neither a study area's folder (it has no "
                f"{area_files.MANIFEST}) nor one of {', '.join(sorted(known))}"
            )
            raise AreaError(message)
        manifest, found = area_files.read(folder)
        try:
            checked = {name: tables.checked(name, found[name]) for name in tables.TABLES}
            checked["communities"] = _with_population(checked["communities"], checked["demand"])
            _refuse_stray_entrances(checked["entrances"], checked["shelters"])
            _refuse_torn_streets(checked["streets"])
            return cls(
                name=area_files.text(manifest["name"]),
                title=area_files.text(manifest["title"]),
                crs=_stated_crs(manifest["crs"], checked["communities"]),
                **checked,
                dropped=_dropped(found["dropped"][list(DROPPED)]),
                quarantine=_quarantine(found["quarantine"][list(QUARANTINE)]),
                sources=tuple(
                    Source(**{key: area_files.text(value) for key, value in source.items()})
                    for source in manifest.get("source", [])
                ),
                notes=area_files.texts(manifest["notes"]),
                translations={
                    language: {english: area_files.text(other) for english, other in texts.items()}
                    for language, texts in manifest.get("translations", {}).items()
                },
                illustrative=frozenset(area_files.texts(manifest["illustrative"])),
                _digests={name: entry["sha256"] for name, entry in manifest["tables"].items()},
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            lacks = "it lacks " if isinstance(error, KeyError) else ""
            message = f"study area {folder.name!r} does not fit together: {lacks}{error}"
            raise AreaError(message) from error

    @classmethod
    def build(
        cls,
        *,
        name: str,
        title: str,
        streets: Streets,
        communities: gpd.GeoDataFrame,
        demand: gpd.GeoDataFrame,
        shelters: gpd.GeoDataFrame,
        candidates: gpd.GeoDataFrame | None = None,
        hazards: gpd.GeoDataFrame | None = None,
        places: gpd.GeoDataFrame | None = None,
        gates: gpd.GeoDataFrame | None = None,
        quarantine: pd.DataFrame | None = None,
        sources: Iterable[Source] = (),
        notes: Iterable[str] = (),
        translations: Mapping[str, Mapping[str, str]] | None = None,
        illustrative: Iterable[str] = (),
        progress: Progress = silent,
    ) -> StudyArea:
        """Make a study area of tables.

        The population of a community is the sum of its demand points. Shelters get their
        entrances here (see `entrances.find_entrances`).

        Parameters
        ----------
        name, title : str
            Short name, and the name that people read.
        streets : Streets
            As a reader of streets returns them.
        communities, demand, shelters, candidates, hazards, places : GeoDataFrame
            Tables as `tables.TABLES` describes them.
        gates : GeoDataFrame, optional
            Points of mapped gates and doors.
        quarantine : DataFrame, optional
            Rows that the readers could not use.
        sources, notes, translations, illustrative
            See the attributes.
        progress : Progress
            Told of each stage.

        Raises
        ------
        TableError
            If a table has problems; all of them are listed.
        AreaError
            If the tables do not fit together.
        """
        progress("checking the tables", 0.0)
        checked = {
            key: tables.empty(key) if table is None else tables.checked(key, table)
            for key, table in (
                ("communities", communities),
                ("demand", demand),
                ("shelters", shelters),
                ("candidates", candidates),
                ("hazards", hazards),
                ("places", places),
                ("streets", streets.edges),
            )
        }
        checked["communities"] = _with_population(checked["communities"], checked["demand"])
        _refuse_torn_streets(checked["streets"])
        _refuse_another_place(checked["streets"], checked["communities"])
        _refuse_far_shelters(checked)
        crs = metric_crs(*_middle(checked["communities"]))
        progress("finding the entrances", 0.5)
        entrances = find_entrances(checked["shelters"], checked["streets"], crs, gates)
        checked["entrances"] = tables.checked("entrances", entrances)
        WalkNetwork.from_streets(checked["streets"], crs)
        progress("finding the entrances", 1.0)
        return cls(
            name=name,
            title=title,
            crs=crs,
            dropped=streets.dropped,
            quarantine=_quarantine(quarantine),
            sources=tuple(sources),
            notes=tuple(notes),
            translations=dict(translations or {}),
            illustrative=frozenset(illustrative),
            **checked,
        )

    def with_sites(self, sites: gpd.GeoDataFrame) -> StudyArea:
        """Return the study area as it would be if some sites were shelters.

        Where people's ways to the street begin stays as it was: another shelter never moves them,
        so it never lengthens a walk.

        Parameters
        ----------
        sites : GeoDataFrame
            Rows of the candidates table, or others with its columns. Whether a site is fit for a
            hazard is unknown unless a column `fit_<hazard>` says so.

        Raises
        ------
        TableError
            If the sites have problems; all of them are listed.
        AreaError
            If a site bears the id of a shelter, or lies far away from the study area.

        Examples
        --------
        >>> area = StudyArea.open("monaco")
        >>> more = area.with_sites(area.candidates.iloc[:2])
        >>> len(more.shelters) - len(area.shelters)
        2
        """
        checked = tables.checked("candidates", sites)
        refuse_taken(checked, self.shelters)
        _refuse_far_sites(checked, self.streets, self.communities)
        known = checked.index.isin(self.candidates.index) & checked.index.isin(
            self.candidate_entrances["shelter_id"]
        )
        same = known & checked.geometry.geom_equals(
            self.candidates.geometry.reindex(checked.index), align=False
        )
        old = self.candidate_entrances["shelter_id"].isin(checked.index[same])
        doors = joined(
            self.candidate_entrances[old], entrances_of(checked[~same], self.streets, self.crs)
        )
        origin = self._origin or self
        return replace(
            self,
            shelters=joined(self.shelters, shelters_of(checked)),
            entrances=joined(self.entrances, doors),
            _digests={
                "origin": self.version,
                "sites": hashlib.sha256(checked.to_json(drop_id=False).encode()).hexdigest(),
            },
            _snapped={},
            memory=Memory(),
            _origin=origin,
        )

    @property
    def origin(self) -> StudyArea:
        """The study area without added sites: what they change nothing of is remembered there."""
        return self._origin or self

    @cached_property
    def candidate_entrances(self) -> gpd.GeoDataFrame:
        """Entrances of the candidate sites; their `shelter_id` is the `site_id`."""
        if self._origin is not None:
            return self._origin.candidate_entrances
        return entrances_of(self.candidates, self.streets, self.crs)

    def save(
        self, folder: str | os.PathLike[str], *, beside: Mapping[str, bytes] | None = None
    ) -> None:
        """Write the study area to a folder, so that a good one is there at every moment.

        An earlier study area in the folder stays whole until the new one is: the manifest
        `area.toml`, which names every file and its hash, is put in place last. Files `beside` the
        tables are never there with another version than their own.

        Raises
        ------
        AreaError
            If it cannot be written; an earlier study area is still there.
        """
        area_files.write(Path(folder), self._manifest, self._tables, beside)

    @cached_property
    def version(self) -> str:
        """Hash of all content, 16 hexadecimal digits: equal for equal study areas."""
        digests = self._digests or {
            key: hashlib.sha256(content).hexdigest()
            for key, content in area_files.serialised(self._tables).items()
        }
        content = json.dumps([self._manifest, sorted(digests.items())], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    @property
    def _tables(self) -> Mapping[str, pd.DataFrame]:
        return {name: getattr(self, name) for name in TABLES}

    @property
    def _manifest(self) -> dict[str, object]:
        return {
            "name": self.name,
            "title": self.title,
            "crs": self.crs.to_string(),
            "attribution": ATTRIBUTION,
            "notes": list(self.notes),
            "translations": self.translations,
            "illustrative": sorted(self.illustrative),
            "source": [
                {key: getattr(source, key) for key in Source.__slots__} for source in self.sources
            ],
        }

    def network(self, walker: Walker | None = None) -> WalkNetwork:
        """Return the streets that a walker can use (by default, all of them)."""
        key = _abilities(walker)
        if key not in self._networks:
            network = WalkNetwork.from_streets(self.streets, self.crs)
            keep = self.passable(walker)
            self._networks[key] = network if keep.all() else network.subset(keep)
        return self._networks[key]

    def passable(self, walker: Walker | None = None) -> np.ndarray:
        """Return which streets a walker can use, shape (streets,)."""
        return passable(self.streets, walker)

    def entrance_places(self, scenario: Scenario | None = None) -> Places:
        """Return the usable entrances on the network; their owner is the row of the shelter.

        A street of the part of the network with the longest streets is preferred to a nearer one.
        """
        scenario = scenario or Scenario()
        return self.every_door(scenario).take(np.flatnonzero(self.usable(scenario)))

    def every_door(self, scenario: Scenario) -> Places:
        """Return every entrance on the network, usable or not."""
        owner = self.shelters.index.get_indexer(self.entrances["shelter_id"])
        return self._snap("entrances", self.entrances, scenario, self.longest_part(scenario), owner)

    def longest_part(self, scenario: Scenario) -> np.ndarray:
        """Return which edges lie in the part of the network with the longest streets."""
        longest: np.ndarray = self.network(scenario.walker).edge_component == 0
        return longest

    @cached_property
    def metric_communities(self) -> np.ndarray:
        """Polygons of the communities in the metric CRS, shape (communities,)."""
        if self._origin is not None:
            return self._origin.metric_communities
        return np.asarray(self.communities.geometry.to_crs(self.crs).array)

    def usable(self, scenario: Scenario | None = None, *, full_too: bool = False) -> np.ndarray:
        """Return which entrances people can expect to get in by, shape (entrances,).

        Those of shelters that are closed or (unless `full_too`) full are not, nor, unless the
        scenario opens them, those that are opened in an emergency only, nor, in a wheelchair, those
        of shelters that no wheelchair can enter. Hazards are not looked at here (see
        `situation.situation`).
        """
        scenario = scenario or Scenario()
        shelter = self.shelters.reindex(self.entrances["shelter_id"])
        barred = [status for status in NOT_USABLE if status != "full" or not full_too]
        shut = np.isin(shelter["status"].to_numpy(object), barred)
        shut |= np.isin(shelter.index.to_numpy(object), scenario.closed_shelters)
        if scenario.gates == "open":
            shut |= self.entrances["emergency_only"].fillna(value=False).to_numpy(bool)
        if scenario.walker.wheelchair:
            shut |= shelter["wheelchair"].to_numpy(object) == "no"
        return ~shut

    def demand_places(self, scenario: Scenario | None = None) -> Places:
        """Return the demand points on the network.

        A street from which a shelter can be reached is preferred to a nearer one without.
        """
        scenario = scenario or Scenario()
        if self._origin is not None:
            return self._origin.demand_places(scenario)
        return self._snap("demand", self.demand, scenario, self.leads_somewhere(scenario))

    def leads_somewhere(self, scenario: Scenario | None = None) -> np.ndarray:
        """Return which edges lie in a part of the network that has a shelter's entrance.

        Shelters and gates count as they are from day to day: where somebody's way to the street
        begins does not depend on what a scenario opens or closes.
        """
        scenario = scenario or Scenario()
        usual = Scenario(
            walker=scenario.walker,
            max_leg_m=scenario.max_leg_m,
            island_slack_m=scenario.island_slack_m,
        )
        entrances = self.entrance_places(usual)
        parts = self.network(scenario.walker).edge_component
        return np.isin(parts, parts[entrances.edge[entrances.snapped]])

    @cached_property
    def metric_demand(self) -> np.ndarray:
        """Points of the demand in the metric CRS, shape (demand,)."""
        if self._origin is not None:
            return self._origin.metric_demand
        return np.asarray(self.demand.geometry.to_crs(self.crs).array)

    @cached_property
    def metric_shelters(self) -> np.ndarray:
        """Shapes of the shelters in the metric CRS, shape (shelters,)."""
        return np.asarray(self.shelters.geometry.to_crs(self.crs).array)

    @cached_property
    def metric_hazards(self) -> np.ndarray:
        """Polygons of the hazard zones in the metric CRS, shape (zones,)."""
        if self._origin is not None:
            return self._origin.metric_hazards
        return self.metric_ground(np.asarray(self.hazards.geometry.array))

    def metric_ground(self, polygons: np.ndarray) -> np.ndarray:
        """Return polygons (lon, lat) in the metric CRS, as far as they concern the study area.

        Long borders get corners in between, so that they stay where they are on the map.
        """
        if self._origin is not None:
            return self._origin.metric_ground(polygons)
        tables = (self.streets, self.demand, self.shelters, self.communities, self.entrances)
        bounds = np.array([table.total_bounds for table in tables if len(table)])
        box = shapely.box(*bounds[:, :2].min(axis=0) - AROUND, *bounds[:, 2:].max(axis=0) + AROUND)
        near = shapely.segmentize(shapely.intersection(polygons, box), CORNER_EVERY)
        return np.asarray(gpd.GeoSeries(near, crs=earth.LONLAT).to_crs(self.crs).array)

    def _snap(
        self,
        table: str,
        points: gpd.GeoDataFrame,
        scenario: Scenario,
        prefer: np.ndarray,
        owner: np.ndarray | None = None,
    ) -> Places:
        limits = (scenario.max_leg_m, scenario.island_slack_m)
        key = (table, _abilities(scenario.walker), *limits)
        if key not in self._snapped:
            self._snapped[key] = snap(
                self.network(scenario.walker),
                points.geometry.x,
                points.geometry.y,
                prefer=prefer,
                max_leg_m=scenario.max_leg_m,
                island_slack_m=scenario.island_slack_m,
                owner=owner,
            )
        return self._snapped[key]


def passable(streets: gpd.GeoDataFrame, walker: Walker | None = None) -> np.ndarray:
    """Return which rows of a streets table a walker can use, shape (streets,)."""
    key = _abilities(walker)
    stairs = streets["steps"].to_numpy(bool)
    barred = (streets["wheelchair"] == "no").to_numpy(bool)
    allowed: np.ndarray = ~(stairs & (not key.steps)) & ~(barred & key.wheelchair)
    return allowed


def embedded_areas() -> dict[str, Path]:
    """Return the folders of the embedded study areas, by name.

    Examples
    --------
    >>> sorted(embedded_areas())
    ['coquimbo', 'monaco']
    """
    package = Path(str(files("shelterplan")))
    for data in (package / "data", package.parent / "data"):
        found = {
            manifest.parent.name: manifest.parent
            for manifest in sorted(data.glob(f"*/{area_files.MANIFEST}"))
        }
        if found:
            return found
    return {}


def metric_crs(lon: float, lat: float) -> pyproj.CRS:
    """Return the metric CRS for a place: its UTM zone, or the polar one beyond them.

    Examples
    --------
    >>> metric_crs(7.42, 43.73).to_epsg(), metric_crs(-71.3, -29.9).to_epsg()
    (32632, 32719)
    """
    if lat > 84 or lat < -80:
        return pyproj.CRS.from_epsg(5041 if lat > 0 else 5042)
    zone = min(int((lon + 180) // 6) + 1, 60)
    return pyproj.CRS.from_epsg((32600 if lat >= 0 else 32700) + zone)


def _middle(table: gpd.GeoDataFrame) -> tuple[float, float]:
    """Return the middle of a table's extent (lon, lat), which may lie across 180 degrees."""
    lon, lat = shapely.get_coordinates(np.asarray(table.geometry.array)).T
    if np.ptp(lon) > 180:
        lon = lon % 360
    middle = (lon.min() + lon.max()) / 2
    return (middle + 180) % 360 - 180, (lat.min() + lat.max()) / 2


def _stated_crs(stated: object, communities: gpd.GeoDataFrame) -> pyproj.CRS:
    """Return the metric CRS of the communities, if it is the one that a manifest states."""
    crs = metric_crs(*_middle(communities))
    if stated != crs.to_string():
        message = f"its crs is {stated!r} and not {crs.to_string()!r}"
        raise AreaError(message)
    return crs


def _refuse_stray_entrances(entrances: gpd.GeoDataFrame, shelters: gpd.GeoDataFrame) -> None:
    """Raise if an entrance is one of no shelter."""
    stray = entrances.index[~entrances["shelter_id"].isin(shelters.index)]
    if len(stray):
        message = f"entrances belong to no shelter: {', '.join(stray[:5])}"
        raise AreaError(message)


def _with_population(communities: gpd.GeoDataFrame, demand: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Set the population of each community to the sum of its demand points."""
    stray = demand.loc[~demand["community_id"].isin(communities.index), "community_id"].unique()
    if len(stray):
        message = (
            f"demand points name communities that do not exist: {', '.join(stray[:5])}. "
            "Add the communities or mend community_id."
        )
        raise AreaError(message)
    for column in ("population", *tables.TIMES.values()):
        if column in demand and demand[column].sum() > tables.MOST_PEOPLE:
            message = (
                f"{column} adds up to more than {tables.MOST_PEOPLE:,.0f} people: the sums would "
                "not be exact. Is it given in persons?"
            )
            raise AreaError(message)
    total = demand.groupby("community_id")["population"].sum()
    return communities.assign(
        population=total.reindex(communities.index, fill_value=0.0).astype("float64")
    )


def _refuse_torn_streets(streets: gpd.GeoDataFrame) -> None:
    """Raise if streets that meet at a node do not meet on the map: ways would lead through air."""
    lines = np.asarray(streets.geometry.array)
    ends = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
    place = shapely.get_coordinates(ends)
    node = np.concatenate([streets["from"], streets["to"]])
    first = np.unique(node, return_index=True, return_inverse=True)
    apart = np.abs(place - place[first[1]][first[2]])
    apart[:, 0] = np.minimum(apart[:, 0], 360 - apart[:, 0])  # 180 and -180 degrees are one
    torn = apart.max(axis=1) > SAME_PLACE_DEG
    if torn.any():
        edges = streets.index[np.unique(np.flatnonzero(torn) % len(streets))]
        message = (
            f"streets that share a node end at different places: {', '.join(map(str, edges[:5]))}. "
            "Number the nodes anew, one number for each place."
        )
        raise AreaError(message)


def _refuse_another_place(streets: gpd.GeoDataFrame, communities: gpd.GeoDataFrame) -> None:
    """Raise if the extents of streets and communities do not meet."""
    if not shapely.box(*streets.total_bounds).intersects(shapely.box(*communities.total_bounds)):
        message = (
            "no street lies near a community: do both files show the same place, in longitude "
            "and latitude?"
        )
        raise AreaError(message)


def _refuse_far_sites(
    sites: gpd.GeoDataFrame, streets: gpd.GeoDataFrame, communities: gpd.GeoDataFrame
) -> None:
    """Raise if a site lies nowhere near the study area: it would serve nobody, and not say why."""
    bounds = np.array([table.total_bounds for table in (streets, communities)])
    box = shapely.box(*bounds[:, :2].min(axis=0) - AROUND, *bounds[:, 2:].max(axis=0) + AROUND)
    far = sites.index[~sites.geometry.intersects(box)]
    if len(far):
        message = (
            f"site {str(sites.loc[far[0], 'name'])!r} ({far[0]}) does not lie near the streets or "
            "the communities: leave it out, or mend its longitude and latitude"
        )
        raise AreaError(message)


def _refuse_far_shelters(checked: Mapping[str, gpd.GeoDataFrame]) -> None:
    """Raise if there are shelters, but none of them anywhere near."""
    shelters = checked["shelters"]
    bounds = np.array([checked[name].total_bounds for name in ("streets", "communities")])
    box = shapely.box(*bounds[:, :2].min(axis=0) - AROUND, *bounds[:, 2:].max(axis=0) + AROUND)
    if len(shelters) and not shelters.geometry.intersects(box).any():
        message = (
            f"None of the {len(shelters):,} shelters lies near the streets or the communities: do "
            "the files show the same place, with latitude and longitude not swapped?"
        )
        raise AreaError(message)


def _dropped(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what was left out of the streets, with its columns in their types."""
    kinds = {"rule": "str", "reason": "str", "ways": "int64", "length_m": "float64"}
    rows = rows.astype(kinds)
    numbers = rows[["ways", "length_m"]].to_numpy(float)
    if not (np.isfinite(numbers) & (numbers >= 0)).all():
        message = "what was left out of the streets has a number below 0, or none"
        raise AreaError(message)
    return rows


def _quarantine(rows: pd.DataFrame | None) -> pd.DataFrame:
    if rows is None:
        return pd.DataFrame(columns=list(QUARANTINE), dtype="str")
    return rows.reindex(columns=list(QUARANTINE)).astype("str").reset_index(drop=True)
