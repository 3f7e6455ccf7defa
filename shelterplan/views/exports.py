"""Tables as files to take away: each says whose data it holds and how it was computed."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyogrio

if TYPE_CHECKING:
    import geopandas as gpd

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A cell of text that begins with one of these is a formula to a spreadsheet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What every file says about itself."""

    attribution: str
    """Whose data it was made from."""
    illustrative: tuple[str, ...]
    """Tables that hold illustrative data."""
    manifest: Mapping[str, Any]
    """How it was computed: inputs, settings, versions."""

    def texts(self) -> dict[str, str]:
        """Return the facts as texts, by name."""
        return {
            "attribution": self.attribution,
            "illustrative": ", ".join(self.illustrative) or "none",
            "scenario": _settings(self.manifest.get("scenario")),
            "standard": _settings(self.manifest.get("standard")),
            "manifest": json.dumps(
                plain(self.manifest), ensure_ascii=False, sort_keys=True, default=str
            ),
        }


def to_csv(table: pd.DataFrame, facts: Facts) -> bytes:
    """Return a table as CSV in UTF-8, with the mark by which spreadsheets know it.

    Texts that a spreadsheet would run as a formula get an apostrophe. Attribution, scenario,
    standard and the illustrative tables stand in columns of their own, so that every row tells
    them; the manifest stands in the first row. Geometry is left out. A distance without end is
    written ``inf``.
    """
    rows = pd.DataFrame(table).drop(columns="geometry", errors="ignore").reset_index()
    texts = facts.texts()
    rows = rows.assign(
        **texts | {"manifest": [texts["manifest"]][: len(rows)] + [""] * max(0, len(rows) - 1)}
    )
    worded = rows.select_dtypes(exclude=["number", "bool"]).columns
    rows = rows.assign(**{name: rows[name].map(safe_cell) for name in worded})
    return ("\ufeff" + rows.to_csv(index=False, lineterminator="\r\n")).encode("utf-8")


def to_geojson(table: gpd.GeoDataFrame, facts: Facts) -> bytes:
    """Return a table as GeoJSON, with the facts as further members of the collection.

    JSON has no infinity: a distance without end is null.
    """
    finite = table.reset_index().replace([float("inf"), -float("inf")], None)
    features = json.loads(finite.to_json(drop_id=True))["features"]
    made = {
        "type": "FeatureCollection",
        "attribution": facts.attribution,
        "illustrative": list(facts.illustrative),
        "scenario": facts.texts()["scenario"],
        "standard": facts.texts()["standard"],
        "manifest": plain(facts.manifest),
        "features": features,
    }
    return json.dumps(made, ensure_ascii=False, default=str).encode("utf-8")


def to_geopackage(table: gpd.GeoDataFrame, facts: Facts, *, layer: str) -> bytes:
    """Return a table as one layer of a GeoPackage, with the facts as its metadata."""
    with tempfile.TemporaryDirectory(prefix="shelterplan-") as folder:
        target = Path(folder) / "table.gpkg"
        pyogrio.write_dataframe(
            table.reset_index(),
            target,
            layer=layer,
            driver="GPKG",
            dataset_metadata=facts.texts(),
            layer_metadata=facts.texts(),
        )
        return target.read_bytes()


def safe_cell(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula.

    Examples
    --------
    >>> safe_cell("=1+1"), safe_cell("-5 m"), safe_cell("Monaco")
    ("'=1+1", "'-5 m", 'Monaco')
    """
    text = value if isinstance(value, str) else None
    return f"'{text}" if text is not None and text.lstrip(" ").startswith(FORMULA) else value


def plain(value: object) -> object:
    """Return plain values in which no number is endless or none: JSON has neither.

    Examples
    --------
    >>> plain({"max_distance_m": float("inf"), "closed": (1, 2)})
    {'max_distance_m': None, 'closed': [1, 2]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _settings(settings: object) -> str:
    """Return settings in one line, without those that are empty; a walker by the name.

    Examples
    --------
    >>> _settings({"walker": {"name": "adult", "speed_m_s": 1.27}, "hazard": "", "delay_s": 0.0})
    'walker: adult; delay_s: 0'
    """
    if not isinstance(settings, Mapping):
        return ""
    said = []
    for name, value in settings.items():
        shown = value.get("name", "") if isinstance(value, Mapping) else plain(value)
        if isinstance(shown, list):
            shown = " ".join(map(str, shown))
        if shown not in ("", None):
            said.append(f"{name}: {f'{shown:g}' if isinstance(shown, float) else shown}")
    return "; ".join(said)
