"""What may come of any input: a table that is right, or one sentence; nothing else."""

from __future__ import annotations

import sys
import tempfile
import traceback
from pathlib import Path

import geopandas as gpd
import numpy as np

from shelterplan import quality, tables
from shelterplan.errors import ShelterplanError, TableError
from shelterplan.plan import make_plan
from shelterplan.scenario import Scenario
from shelterplan.siting.proposal import Proposal
from shelterplan.sources.raster import Raster
from shelterplan.sources.streets import Streets
from shelterplan.study_area import StudyArea

LONGEST_MESSAGE = 2_000
"""Letters that a person may be shown."""
PRIVATE = ("Traceback", "site-packages", sys.prefix, str(Path(__file__).parents[2]))
"""What no message may hold."""


_PLANNED: set[str] = set()
"""Versions of study areas for which a plan was made."""


class WrongError(AssertionError):
    """A result that should not have come out."""


def judge(read, check, path):
    """Read a file and return (kind, what is wrong): kind is "read", "refused" or "finding"."""
    try:
        check(read(path))
    except ShelterplanError as error:
        wrong = told_badly(error, path)
        return ("finding", wrong) if wrong else ("refused", "")
    except (Exception, RecursionError, MemoryError) as error:  # noqa: BLE001  (the oracle)
        return "finding", signature(error)
    return "read", ""


def signature(error):
    """Name an error by its kind and the innermost line of the package it went through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "shelterplan" in Path(frame.filename).parts] or frames
    place = f"{Path(own[-1].filename).name}:{own[-1].name}" if own else "?"
    return f"{type(error).__name__} in {place}: {str(error)[:200]}"


def told_badly(error, path):
    """Say what is wrong with a message, "" if nothing is."""
    text = str(error)
    if len(text) >= LONGEST_MESSAGE:
        return f"message of {len(text):,} letters: {text[:60]!r}"
    private = [*PRIVATE, str(path.parent), tempfile.gettempdir() + "/"]
    shown = [one for one in private if one in text]
    return f"message shows {shown[0]!r}: {text[:200]!r}" if shown else ""


def right(condition, what):
    """Raise unless a condition holds."""
    if not condition:
        raise WrongError(what)


def table_is_right(name, table):
    """Check a table of a study area."""
    try:
        checked = tables.checked(name, table)
    except TableError as error:
        raise WrongError(f"the reader let through: {str(error)[:150]}") from error
    bounds = checked.geometry.bounds.to_numpy()
    right(np.isfinite(bounds).all(), "coordinates are not finite")
    right((np.abs(bounds) <= (180, 90, 180, 90)).all(), "coordinates lie outside the world")
    for column in checked.select_dtypes("number"):
        values = checked[column].to_numpy(float, na_value=0.0)
        right(np.isfinite(values).all() or column == "deprivation", f"{column} is not finite")
        right((values >= 0).all() or column in ("osm_id", "deprivation"), f"{column} below 0")


def rows_are_right(name):
    """Return a check of what a reader of rows gives: every row is in the table or set aside."""

    def check(found):
        table = found.table
        if name == "demand" and "community_id" not in table:
            table = table.assign(community_id="c")
        table_is_right(name, table)
        right(len(table) == len(found.rows) == found.facts["rows_kept"], "rows are not counted")
        away = set(found.quarantine["row"])
        right(not away & set(found.rows.tolist()), "a row is both in and out")
        right(len(table) + len(away) == found.facts["rows_read"], "a row is lost")
        right(table.index.is_unique, "ids are not unique")

    return check


def streets_are_right(found):
    """Check streets from any source."""
    right(isinstance(found, Streets), "no streets")
    edges = found.edges
    if len(edges):
        table_is_right("streets", edges)
        right((edges["length_m"] > 0).all(), "a street has no length")
        right(edges.is_valid.all(), "a line is not valid")
    right((found.dropped["ways"] > 0).all(), "nothing was left out")


def layer_is_right(found):
    """Check a plain layer."""
    right(isinstance(found, gpd.GeoDataFrame), "no layer")
    bounds = found.geometry.bounds.to_numpy()[~found.geometry.isna().to_numpy()]
    right(np.isfinite(bounds).all(), "coordinates are not finite")
    right((np.abs(bounds) <= (180, 90, 180, 90)).all(), "coordinates lie outside the world")


def raster_is_right(found):
    """Check a grid."""
    right(isinstance(found, Raster), "no raster")
    right(found.cells.ndim == 2 and found.cells.size > 0, "no cells")
    right(not np.isinf(found.cells).any(), "a cell is infinite")
    right(np.isfinite(found.transform).all(), "the place is not finite")
    right(found.cell_m > 0 and np.isfinite(found.cell_m), "cells have no size")


def proposal_is_right(found):
    """Check a proposal, and that it comes back from its own file's bytes."""
    right(isinstance(found, Proposal), "no proposal")
    table_is_right("candidates", found.sites)
    right(0 < len(found.sites) <= 200, "too many sites")
    found.to_bytes()
    found.title.encode()
    found.area_name.encode()


def scenario_is_right(found):
    """Check a scenario: it has a speed, and comes back from its own text."""
    right(0 < found.speed_m_s <= 100, "no speed")
    right(type(found).from_dict(found.to_dict()) == found, "it does not come back")
    found.to_toml().encode()
    _ = found.polygons


def area_is_right(found):
    """Check a saved study area."""
    right(isinstance(found, StudyArea), "no area")
    for name in tables.TABLES:
        if len(getattr(found, name)):
            table_is_right(name, getattr(found, name))
    right(found.entrances["shelter_id"].isin(found.shelters.index).all(), "a stray entrance")
    for text in (found.name, found.title, *found.notes):
        text.encode()
    if found.version not in _PLANNED:
        plan_is_right(found)
        _PLANNED.add(found.version)


def plan_is_right(area):
    """Check what comes of a study area: everybody is counted once, with a walk that can be."""
    plan = make_plan(area, Scenario(hazard="flood"))
    people = float(area.demand["population"].sum())
    right(float(plan.demand["population"].sum()) == people, "people are lost or doubled")
    right(float(plan.total["population"]) == people, "the total is not that of the places")
    right(float(plan.communities["population"].sum()) == people, "a community's people are lost")
    right(float(plan.districts["population"].sum()) == people, "a district's people are lost")
    for column in ("distance_m", "walk_time_s"):
        values = plan.demand[column].to_numpy(float)
        right(not np.isnan(values).any() and (values >= 0).all(), f"{column} is no walk")
    room = area.shelters["capacity"].to_numpy(float, na_value=np.inf)
    right((plan.shelters["assigned_population"].to_numpy(float) <= room).all(), "more than room")
    quality.check(area)
