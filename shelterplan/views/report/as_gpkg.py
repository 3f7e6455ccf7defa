"""A report as one GeoPackage: every table a layer, those with places styled for QGIS."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyogrio

from shelterplan.views.report import styles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shelterplan.views.report.contents import Report

STYLES = "layer_styles"
"""The table in which QGIS looks for styles."""


def to_gpkg(report: Report) -> bytes:
    """Return all tables as layers of a GeoPackage, the same bytes for the same report.

    The layers with places come first, from those drawn below to those drawn above: communities,
    districts and zones as areas, shelters and sites as a point within each. Each has its style, as
    QML and SLD, in the table `layer_styles`, so that QGIS shows it styled. Tables without places
    are layers without geometry. The file's metadata have the facts.
    """
    with tempfile.TemporaryDirectory(prefix="shelterplan-") as folder:
        target = Path(folder) / "report.gpkg"
        pyogrio.set_gdal_config_options(
            {"OGR_CURRENT_DATE": f"{report.day.isoformat()}T00:00:00.000Z"}
        )
        try:
            for name, table in _layers(report):
                _write(target, name, table, report)
        finally:
            pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
        return target.read_bytes()


def _layers(report: Report) -> Iterator[tuple[str, pd.DataFrame]]:
    tables = report.tables
    placed = [name for name in styles.ORDER if name in tables]
    yield from ((name, _places(name, tables[name])) for name in placed)
    yield from ((name, table) for name, table in tables.items() if name not in placed)
    yield STYLES, styles.table(report, placed)


def _places(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with a point within each place, if its layer is one of points."""
    if name in styles.AREAS:
        return table
    return table.assign(geometry=table["geometry"].representative_point())


def _write(target: Path, name: str, table: pd.DataFrame, report: Report) -> None:
    more: dict[str, Any] = {"append": True} if target.exists() else {}
    if not target.exists():
        more["dataset_metadata"] = report.facts.texts()
    if name in styles.ORDER:
        areas = name in styles.AREAS
        more["geometry_type"] = "MultiPolygon" if areas else "Point"
        more["promote_to_multi"] = areas
        more["layer_metadata"] = {"attribution": report.facts.attribution}
    if name == STYLES:
        more["layer_options"] = {"FID": "id"}
    pyogrio.write_dataframe(table, target, layer=name, driver="GPKG", **more)
