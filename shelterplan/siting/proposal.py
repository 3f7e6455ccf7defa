"""A proposal: sites and what was assumed, in a small file that can be sent and compared."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import geopandas as gpd

from shelterplan import atomic, tables
from shelterplan.errors import SourceError
from shelterplan.scenario import Scenario
from shelterplan.siting.result import SitingError
from shelterplan.sources.inputs import read_candidates
from shelterplan.sources.records import sentence
from shelterplan.standards import AccessStandard
from shelterplan.study_area import ATTRIBUTION

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from shelterplan.study_area import StudyArea

FORMAT = "shelterplan proposal 1"
"""What the file says of itself."""
MOST_SITES = 200
"""A proposal has at most so many sites."""
LONGEST_TITLE = 200
MOST_BYTES = 5_000_000
"""A larger file is no proposal."""
_LIMITS = ("max_distance_m", "max_time_s", "area_m2_per_person")
_COLUMNS = ("name", "kind", "capacity", "cost", "area_m2", "occupants", "wheelchair")


@dataclass(frozen=True, eq=False, kw_only=True)
class Proposal:
    """Sites that somebody proposes, and under which assumptions they were looked at."""

    title: str
    sites: gpd.GeoDataFrame
    """Rows of the candidates table."""
    area_name: str = ""
    """The study area it was made for; empty if the file does not say."""
    area_version: str = ""
    """Its content then; see `StudyArea.version`."""
    scenario: Scenario | None = None
    """None: the file does not say."""
    standard: AccessStandard | None = None
    manifest: dict[str, Any] = field(default_factory=dict)
    """What else the file says."""
    problems: tuple[str, ...] = ()
    """Rows of the file that were left out, and why: a sentence each."""
    remarks: tuple[str, ...] = ()
    """Rows that were repaired, or that are worth a look: a sentence each."""

    @classmethod
    def of(
        cls,
        title: str,
        sites: gpd.GeoDataFrame,
        area: StudyArea,
        scenario: Scenario,
        standard: AccessStandard,
    ) -> Proposal:
        """Return a proposal for a study area.

        Raises
        ------
        SitingError
            If there are no sites, or too many.
        TableError
            If the sites have problems; all of them are listed.
        """
        if not 0 < len(sites) <= MOST_SITES:
            message = f"a proposal has 1 to {MOST_SITES} sites, not {len(sites)}"
            raise SitingError(message)
        known = {*_COLUMNS, "geometry", *(f"fit_{hazard}" for hazard in tables.HAZARDS)}
        columns = [name for name in sites.columns if name in known]
        return cls(
            title=title.strip()[:LONGEST_TITLE] or "Proposal",
            sites=tables.checked("candidates", sites[columns]),
            area_name=area.name,
            area_version=area.version,
            scenario=scenario,
            standard=standard,
            manifest={
                "program": f"shelterplan {version('shelterplan')}",
                "illustrative": sorted(area.illustrative),
                "attribution": ATTRIBUTION,
            },
        )

    def warnings(self, area: StudyArea) -> list[str]:
        """Say in what this proposal was made for something else than a study area."""
        if self.area_name and self.area_name != area.name:
            return [f"it was made for the study area {self.area_name!r}, not for {area.name!r}"]
        if self.area_version and self.area_version != area.version:
            return ["the study area's data has changed since: figures may differ"]
        return []

    def to_bytes(self) -> bytes:
        """Return the file: GeoJSON that any map program opens, with one member of our own."""
        rows = self.sites.reset_index()
        found = json.loads(rows.to_json(drop_id=True))
        found["shelterplan"] = {
            "format": FORMAT,
            "title": self.title,
            "area": {"name": self.area_name, "version": self.area_version},
            "scenario": None if self.scenario is None else self.scenario.to_dict(),
            "standard": None if self.standard is None else _limits(self.standard),
            **self.manifest,
        }
        return json.dumps(found, ensure_ascii=False, indent=1, allow_nan=False).encode()

    def write(self, path: Path) -> None:
        """Write the file, so that an earlier one is whole until this one is."""
        atomic.write_whole(path, self.to_bytes())


def read_proposal(path: Path) -> Proposal:
    """Read a proposal: our own file, or a list of sites in any format that candidates have.

    Raises
    ------
    SourceError, TableError
        If the file cannot be read, or its rows have problems; all of them are listed.
    SitingError
        If it has no sites, or too many.
    ScenarioError
        If its assumptions are not ones that we know.
    """
    if path.stat().st_size > MOST_BYTES:
        message = f"{path.name} is larger than {MOST_BYTES // 1_000_000} MB: that is no proposal"
        raise SourceError(message)
    own = _own_member(path)
    read = read_candidates(path)
    sites = read.table
    if not 0 < len(sites) <= MOST_SITES:
        message = f"{path.name}: a proposal has 1 to {MOST_SITES} sites, not {len(sites)}"
        raise SitingError(message)
    area = own.get("area") if isinstance(own.get("area"), dict) else {}
    return Proposal(
        title=_text(own.get("title")) or path.stem[:LONGEST_TITLE],
        sites=sites,
        area_name=_text((area or {}).get("name")),
        area_version=_text((area or {}).get("version")),
        scenario=_scenario(own.get("scenario")),
        standard=_standard(own.get("standard")),
        manifest={key: own[key] for key in ("program", "illustrative") if key in own},
        problems=_told(read.quarantine),
        remarks=_told(read.remarks),
    )


def _text(given: object) -> str:
    r"""Return a text of a file, cut where it is long; nothing for what is no text.

    Examples
    --------
    >>> _text("Two sites"), _text("a\ud800"), _text(["x"])
    ('Two sites', 'a?', '')
    """
    if not isinstance(given, str):
        return ""
    return given[:LONGEST_TITLE].encode("utf-8", "replace").decode()


def _told(rows: pd.DataFrame) -> tuple[str, ...]:
    """Return what is wrong with rows of a file, a sentence each."""
    columns = ["row", "column", "problem", "mend"]
    return tuple(sentence(*row) for row in rows[columns].itertuples(index=False))


def _own_member(path: Path) -> dict[str, Any]:
    """Return what our own file says of itself; nothing of another file."""
    if path.suffix.lower() not in {".json", ".geojson"}:
        return {}
    try:
        found = json.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        message = f"{path.name} is no GeoJSON: {str(error)[:200]}"
        raise SourceError(message) from error
    own = found.get("shelterplan") if isinstance(found, dict) else None
    if not isinstance(own, dict):
        return {}
    if own.get("format") != FORMAT:
        message = f"{path.name} is a proposal of another version: {str(own.get('format'))[:60]!r}"
        raise SourceError(message)
    return own


def _scenario(given: object) -> Scenario | None:
    return Scenario.from_dict(given) if isinstance(given, dict) else None


def _standard(given: object) -> AccessStandard | None:
    """Return the standard of a file; what it says beyond the limits is not taken from there."""
    if not isinstance(given, dict):
        return None
    return AccessStandard(**{name: given[name] for name in _LIMITS if given.get(name) is not None})


def _limits(standard: AccessStandard) -> dict[str, Any]:
    """Return what a standard asks for, and its name, without what it does not."""
    told = {name: value for name, value in asdict(standard).items() if value is not None}
    return {name: value for name, value in told.items() if value != math.inf}
