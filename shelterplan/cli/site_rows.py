"""The sites of a plan as plain values, of a city or a region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shelterplan.cli import text

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd


def site_rows(sites: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    """Return the sites of a plan, the first to build first; what a region leaves out is not there.

    Parameters
    ----------
    sites : GeoDataFrame
        Index site_id; `name`, `kind`, `step`, `newly_covered_population`, `covered_after`, and of
        `room`, `room_from` and `cost` those that are known.
    """
    points = sites.geometry.representative_point()
    known: dict[str, Callable[[Any], object]] = {
        "room": text.plain_number,
        "room_from": str,
        "cost": text.plain_number,
    }
    return [
        {
            "site_id": key,
            "name": str(row["name"]),
            "kind": text.plain(row["kind"]),
            "lon": round(point.x, 7),
            "lat": round(point.y, 7),
            **{name: read(row[name]) for name, read in known.items() if name in sites},
            "step": int(row["step"]),
            "newly_covered_population": float(row["newly_covered_population"]),
            "covered_after": float(row["covered_after"]),
        }
        for (key, row), point in zip(sites.iterrows(), points, strict=True)
    ]
