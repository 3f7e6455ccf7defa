"""Candidate sites as if they were shelters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd

from shelterplan import tables
from shelterplan.entrances import find_entrances
from shelterplan.errors import AreaError

if TYPE_CHECKING:
    import pyproj

PROPOSED = "proposed"
"""What the `source` of a shelter says that stands nowhere yet."""


def shelters_of(sites: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return sites as rows of the shelters table: open, and as fit as their columns say.

    Whether a site is fit for a hazard is unknown unless a column `fit_<hazard>` says so.
    """
    known = [column.name for column in tables.TABLES["shelters"].columns]
    rows = sites[[name for name in sites.columns if name in {*known, "geometry"}]]
    rows = rows.assign(status="open", source=PROPOSED)
    return tables.checked("shelters", rows.rename_axis("shelter_id"))


def entrances_of(
    sites: gpd.GeoDataFrame, streets: gpd.GeoDataFrame, crs: pyproj.CRS
) -> gpd.GeoDataFrame:
    """Return the entrances of sites, found as those of shelters are."""
    has_outline = (sites.geom_type != "Point").any()
    found = find_entrances(sites, streets if has_outline else streets.iloc[:0], crs)
    return tables.checked("entrances", found)


def joined(table: gpd.GeoDataFrame, more: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Put rows below a table, in the types of the table; unknown where they have no such column."""
    if not len(more):
        return table
    known = {column.name for column in tables.TABLES["shelters"].columns}
    for name in [one for one in more.columns if one in known and one not in table.columns]:
        table = table.assign(**{name: _unknown(name, table.index)})
    missing = {
        name: _unknown(name, more.index)
        for name in table.columns.difference(more.columns)
        if name.startswith("fit_")
    }
    rows = more.assign(**missing).reindex(columns=table.columns)
    typed = rows.astype({name: kind for name, kind in table.dtypes.items() if name != "geometry"})
    whole = pd.concat([table, typed])
    return gpd.GeoDataFrame(whole, geometry="geometry", crs=table.crs).rename_axis(table.index.name)


def _unknown(name: str, index: pd.Index) -> pd.Series:
    """Return a column of which nothing is known."""
    if name.startswith("fit_"):
        return pd.Series("unknown", index=index, dtype="str")
    return pd.Series(pd.NA, index=index, dtype="Float64" if name == "occupants" else "str")


def refuse_taken(sites: gpd.GeoDataFrame, shelters: gpd.GeoDataFrame) -> None:
    """Raise if a site bears the id of a shelter, or of another site."""
    taken = [key for key in sites.index if key in shelters.index]
    twice = sites.index[sites.index.duplicated()].tolist()
    if taken or twice:
        message = f"site {(taken + twice)[0]!r} is there already: give every site an id of its own"
        raise AreaError(message)
