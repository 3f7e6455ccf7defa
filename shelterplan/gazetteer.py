"""Search for a place by the study area's own names: streets, shelters, communities, places."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from rapidfuzz import fuzz, process

if TYPE_CHECKING:
    import geopandas as gpd

    from shelterplan.study_area import StudyArea

_LOWEST_SCORE = 60.0
_CONTAINED_SCORE = 95.0
_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class Hit:
    """A place that a search found."""

    name: str
    kind: str
    """`street`, `shelter`, `community`, or the kind given in the places table."""
    lon: float
    lat: float
    score: float
    """How well the name fits, 0 to 100."""


@lru_cache(maxsize=4)
def names(area: StudyArea) -> pd.DataFrame:
    """Return every name of a study area with its position.

    A street that has several parts stands at the middle of its longest one.

    Returns
    -------
    DataFrame
        `name`, `kind`, `lon`, `lat` and `key`, the form in which names are compared.
    """
    named = area.streets[area.streets["name"].notna() & (area.streets["name"] != "")]
    longest = named.sort_values("length_m", ascending=False, kind="stable").drop_duplicates("name")
    middle = shapely.line_interpolate_point(
        np.asarray(longest.geometry.array), 0.5, normalized=True
    )
    parts = [_rows(longest["name"], "street", middle)]
    parts += [
        _rows(table["name"], kind, _points(table))
        for table, kind in ((area.shelters, "shelter"), (area.communities, "community"))
    ]
    parts.append(_rows(area.places["name"], area.places["kind"], _points(area.places)))
    table = pd.concat(parts, ignore_index=True)
    table = table.assign(key=[folded(name) for name in table["name"]])
    return table[table["key"] != ""].drop_duplicates(["name", "kind"]).reset_index(drop=True)


def search(area: StudyArea, text: str, *, count: int = 8) -> list[Hit]:
    """Find the names that fit a text best; accents, case and small slips do not matter.

    Parameters
    ----------
    area : StudyArea
        Where to search.
    text : str
        What somebody typed.
    count : int
        How many hits at the most.

    Examples
    --------
    >>> from shelterplan import StudyArea
    >>> search(StudyArea.open("monaco"), "larvoto", count=1)[0].name
    'Larvotto'
    """
    wanted = folded(text[:_LONGEST_TEXT])
    if not wanted:
        return []
    table = names(area)
    keys = table["key"].tolist()
    score = process.cdist([wanted], keys, scorer=fuzz.WRatio)[0].astype(float)
    holds = np.array([wanted in key for key in keys], bool)
    starts = np.array([key.startswith(wanted) for key in keys], bool)
    same = np.array([key == wanted for key in keys], bool)
    score = np.where(holds, np.maximum(score, _CONTAINED_SCORE + 2 * starts + 3 * same), score)
    order = np.lexsort(([len(key) for key in keys], -score))
    return [
        Hit(row.name_, row.kind, float(row.lon), float(row.lat), float(score[i]))
        for i, row in ((i, table.rename(columns={"name": "name_"}).iloc[i]) for i in order[:count])
        if score[i] >= _LOWEST_SCORE
    ]


def folded(text: str) -> str:
    """Return a name in the form in which names are compared.

    Examples
    --------
    >>> folded("  Avenue de l'Annonciade, Sainte-Dévote "), folded("深圳市 民田路")
    ('avenue de l annonciade sainte devote', '深圳市 民田路')
    """
    plain = "".join(
        sign
        for sign in unicodedata.normalize("NFKD", text.casefold())
        if not unicodedata.combining(sign)
    )
    words = "".join(sign if sign.isalnum() else " " for sign in plain)
    return " ".join(words.split())


def _points(table: gpd.GeoDataFrame) -> np.ndarray:
    return shapely.point_on_surface(np.asarray(table.geometry.array))


def _rows(name: pd.Series, kind: str | pd.Series, points: np.ndarray) -> pd.DataFrame:
    kinds = kind if isinstance(kind, str) else kind.to_numpy(object)
    return pd.DataFrame(
        {
            "name": name.to_numpy(object),
            "kind": kinds,
            "lon": shapely.get_x(points),
            "lat": shapely.get_y(points),
        }
    )
