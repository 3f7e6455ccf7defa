"""The columns, units and checks of every table: checked once, all problems told at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from shelterplan import earth
from shelterplan.errors import TableError
from shelterplan.scenario import WORST_LEVEL

if TYPE_CHECKING:
    from collections.abc import Iterator

PERSON_UNIT = 2.0**-20
"""People are carried in whole multiples of this, so that sums are exact in any order, up to
`MOST_PEOPLE`."""
MOST_PEOPLE = 2.0**33
"""More people than this are refused: their sums would not be exact."""
MOST_WHOLE = 2.0**53
"""Whole numbers that come as text or fractions are below this: others were rounded before."""
HAZARDS = (
    "flood",
    "landslide",
    "storm_surge",
    "earthquake",
    "tsunami",
    "fire",
    "inland_flood",
    "volcano",
    "tornado",
)
"""Hazards for which a shelter says whether it is fit, in a column `fit_<hazard>`."""
GROUPS = ("children", "elderly_65", "disabled")
"""Groups of the population that are counted where the data has them."""
TIMES = {"day": "population_day", "night": "population_night"}
"""Columns with the people who are there by day and by night, where the data has them."""
SLOPES = (
    "climb_m",
    "descent_m",
    "tobler_forward",
    "tobler_backward",
    "irmischer_forward",
    "irmischer_backward",
)
"""What is known of a street's slope: metres up and down, and how many times as long a walk takes
as on the flat, by two published functions, along the street and against it."""
WORLD = (-180.0, -90.0, 180.0, 90.0)
_NAMED_ROWS = 5

Kind = Literal["text", "number", "whole", "flag", "people"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    kind: Kind
    required: bool = True
    choices: tuple[str, ...] = ()
    """Allowed words; empty for any."""
    lowest: float | None = None
    """Smallest allowed number."""
    highest: float | None = None
    """Largest allowed number."""
    added: bool = True
    """Whether an optional column that is missing is added, empty."""


@dataclass(frozen=True, slots=True)
class Table:
    """What a table must look like."""

    index: str
    columns: tuple[Column, ...]
    shapes: tuple[str, ...] = ()
    """Allowed geometry types; empty for a table without geometry."""
    may_be_empty: bool = False


_POLYGONS = ("Polygon", "MultiPolygon")
_UNKNOWN = ("yes", "no", "unknown")

TABLES: dict[str, Table] = {
    "communities": Table(
        "community_id",
        (
            Column("name", "text"),
            Column("district", "text"),
            Column("population", "people", required=False),
            Column("deprivation", "number", required=False, added=False),
        ),
        _POLYGONS,
    ),
    "demand": Table(
        "demand_id",
        (
            Column("community_id", "text"),
            Column("population", "people"),
            *(
                Column(group, "people", required=False, added=False)
                for group in (*TIMES.values(), *GROUPS)
            ),
        ),
        ("Point",),
    ),
    "shelters": Table(
        "shelter_id",
        (
            Column("name", "text"),
            Column("kind", "text", required=False),
            Column("indoor", "flag", required=False),
            Column("capacity", "number", required=False, lowest=0),
            Column("occupants", "number", required=False, lowest=0, added=False),
            Column("area_m2", "number", required=False, lowest=0),
            *(
                Column(f"fit_{hazard}", "text", required=False, choices=_UNKNOWN, added=False)
                for hazard in HAZARDS
            ),
            Column("wheelchair", "text", required=False, choices=_UNKNOWN),
            Column("status", "text", required=False, choices=("open", "closed", "full", "unknown")),
            Column("verified", "text", required=False),
            Column("source", "text", required=False),
        ),
        ("Point", *_POLYGONS),
        may_be_empty=True,
    ),
    "entrances": Table(
        "entrance_id",
        (
            Column("shelter_id", "text"),
            Column("emergency_only", "flag", required=False),
            Column("how", "text", choices=("mapped", "outline", "position")),
        ),
        ("Point",),
        may_be_empty=True,
    ),
    "candidates": Table(
        "site_id",
        (
            Column("name", "text"),
            Column("kind", "text", required=False),
            Column("capacity", "number", required=False, lowest=0),
            Column("cost", "number", required=False, lowest=0),
            Column("area_m2", "number", required=False, lowest=0),
        ),
        ("Point", *_POLYGONS),
        may_be_empty=True,
    ),
    "hazards": Table(
        "zone_id",
        (
            Column("hazard", "text"),
            Column("level", "whole", lowest=1, highest=WORST_LEVEL),
            Column("return_period", "number", required=False, lowest=0),
            Column("source", "text", required=False),
        ),
        _POLYGONS,
        may_be_empty=True,
    ),
    "places": Table(
        "place_id", (Column("name", "text"), Column("kind", "text")), ("Point",), may_be_empty=True
    ),
    "streets": Table(
        "edge",
        (
            Column("from", "whole", lowest=0),
            Column("to", "whole", lowest=0),
            Column("length_m", "number", lowest=0),
            Column("class", "text"),
            Column("name", "text", required=False),
            Column("steps", "flag"),
            Column("incline", "text", required=False),
            Column("forward", "flag"),
            Column("backward", "flag"),
            Column("bridge_tunnel", "text", required=False),
            Column("wheelchair", "text", required=False),
            Column("osm_id", "whole", required=False),
            *(Column(name, "number", required=False, lowest=0, added=False) for name in SLOPES),
        ),
        ("LineString",),
    ),
}
"""Every table of a study area."""


def checked(name: str, table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a table with its columns in their proper types.

    Parameters
    ----------
    name : str
        Name of the table, a key of `TABLES`.
    table : GeoDataFrame
        As it was read or made, in any lon/lat-based CRS. Further columns are kept.

    Returns
    -------
    GeoDataFrame
        A new table in EPSG:4326; optional columns that were missing hold NA.

    Raises
    ------
    TableError
        With every problem that was found.
    """
    spec = TABLES[name]
    absent = [
        column.name
        for column in spec.columns
        if column.required and column.name not in table.columns
    ]
    if absent:
        raise TableError(name, [f"column {column!r} is missing." for column in absent])
    result = table.copy()
    result.index = _ids(table.index, whole=spec.index == "edge").rename(spec.index)
    problems = ["an id is empty."] if table.index.hasnans else []
    problems += _index_problems(result.index)
    for column in spec.columns:
        if column.name not in result.columns:
            if column.added:
                result[column.name] = _empty(column, result.index)
            continue
        values, wrong = _typed(column, result[column.name])
        problems += _named(result.index, wrong, f"{column.name} {_rule(column)}")
        result[column.name] = values
    if not (len(result) or spec.may_be_empty):
        problems.append("it has no rows.")
    result, shape_problems = _shapes(result, spec)
    problems += shape_problems
    if problems:
        raise TableError(name, problems)
    return result


def empty(name: str) -> gpd.GeoDataFrame:
    """Return an empty table with the right columns."""
    spec = TABLES[name]
    columns = {column.name: pd.Series([], dtype=object) for column in spec.columns}
    return checked(name, gpd.GeoDataFrame(columns, geometry=[], crs="EPSG:4326"))


def people(values: pd.Series) -> pd.Series:
    """Return population in whole multiples of `PERSON_UNIT`.

    Examples
    --------
    >>> bool(people(pd.Series([0.1] * 10)).sum() == people(pd.Series([0.1])).iloc[0] * 10)
    True
    """
    return (values / PERSON_UNIT).round() * PERSON_UNIT


def _ids(index: pd.Index, *, whole: bool) -> pd.Index:
    return pd.RangeIndex(len(index)) if whole else index.map(str).astype("str")


def _index_problems(index: pd.Index) -> Iterator[str]:
    twice = index[index.duplicated()].unique()
    if len(twice):
        yield f"{len(twice)} ids occur more than once ({', '.join(map(str, twice[:_NAMED_ROWS]))})."


def _empty(column: Column, index: pd.Index) -> pd.Series:
    dtype = {"text": "str", "flag": "boolean", "whole": "Int64"}.get(column.kind, "Float64")
    value = "unknown" if "unknown" in column.choices else pd.NA
    values: pd.Series = pd.Series([value] * len(index), index=index, dtype=dtype)
    return values


def _typed(column: Column, values: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return a column in its type, and which rows are wrong."""
    if column.kind == "text":
        text = values.astype("str").where(values.notna())
        wrong = text.isna() if column.required else pd.Series(False, index=values.index)
        if column.choices:
            wrong = wrong | (text.notna() & ~text.isin(column.choices))
        return text.astype("str"), wrong
    if column.kind == "flag":
        numbers = pd.to_numeric(values, errors="coerce")
        flags = numbers.where(numbers.isin([0, 1])).astype("boolean")
        wrong = flags.isna() & (column.required | values.notna())
        return (flags if flags.isna().any() or not column.required else flags.astype(bool)), wrong
    numbers = pd.to_numeric(values, errors="coerce").astype("Float64")
    given = values.notna()
    wrong = given & (numbers.isna() | ~np.isfinite(numbers.fillna(0).to_numpy(float)))
    wrong |= ~given if column.required else False
    if column.lowest is not None or column.kind == "people":
        wrong |= (numbers < (column.lowest or 0)).fillna(value=False).astype(bool)
    if column.highest is not None:
        wrong |= (numbers > column.highest).fillna(value=False).astype(bool)
    if column.kind == "whole":
        wrong |= (numbers % 1 != 0).fillna(value=False).astype(bool)
        exact = pd.api.types.is_signed_integer_dtype(values)
        if not exact:
            wrong |= (numbers.abs() >= MOST_WHOLE).fillna(value=False).astype(bool)
        whole = (values if exact else numbers.where(~wrong)).astype("Int64").mask(wrong)
        return (whole if whole.isna().any() else whole.astype("int64")), wrong
    if column.kind == "people":
        wrong |= (numbers > MOST_PEOPLE).fillna(value=False).astype(bool)
        numbers = people(numbers.where(~wrong))
    plain = column.required or (column.kind == "people" and not numbers.isna().any())
    return (numbers.astype("float64") if plain else numbers), wrong


def _rule(column: Column) -> str:
    """Say what a column must hold."""
    if column.choices:
        return f"must be one of {', '.join(column.choices)}"
    lowest = 0 if column.kind == "people" else column.lowest
    at_least = "" if lowest is None else f" of at least {lowest:g}"
    below = f", below {MOST_WHOLE:,.0f}" if column.highest is None else ""
    if column.highest is not None:
        at_least = f" from {lowest or 0:g} to {column.highest:g}"
    return {
        "text": "must not be empty",
        "flag": "must be true or false",
        "whole": f"must be a whole number{at_least}{below}",
        "number": f"must be a finite number{at_least}",
        "people": f"must be a number from 0 to {MOST_PEOPLE:,.0f}",
    }[column.kind]


def _named(index: pd.Index, wrong: pd.Series | np.ndarray, rule: str) -> list[str]:
    """Return one problem that names the first rows concerned."""
    rows = index[np.asarray(wrong, bool)]
    if not len(rows):
        return []
    named = ", ".join(map(str, rows[:_NAMED_ROWS])) + (", ..." if len(rows) > _NAMED_ROWS else "")
    return [f"{rule} ({len(rows)} rows: {named})."]


def _shapes(table: gpd.GeoDataFrame, spec: Table) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Bring geometry to lon/lat and check it."""
    if not isinstance(table, gpd.GeoDataFrame) or table.active_geometry_name is None:
        return table, ["it has no geometry."]
    if table.crs is None:
        return table, ["the coordinate system of its geometry is not known."]
    table = earth.in_lonlat(table)
    shapes = table.geometry.array
    bounds = shapely.bounds(np.asarray(shapes))
    outside = ~((bounds[:, :2] >= WORLD[:2]).all(1) & (bounds[:, 2:] <= WORLD[2:]).all(1))
    kind = np.asarray(table.geometry.geom_type.isin(spec.shapes))
    index = table.index
    return table, [
        *_named(index, ~kind, f"geometry must be {' or '.join(spec.shapes)}"),
        *_named(
            index,
            outside & kind,
            "coordinates must be lon -180 to 180, lat -90 to 90 (latitude and longitude swapped?)",
        ),
        *_named(
            index,
            kind & ~np.asarray(shapely.is_valid(np.asarray(shapes))),
            "geometry must not cross itself",
        ),
    ]
