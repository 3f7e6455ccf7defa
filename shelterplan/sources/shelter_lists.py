"""The world's lists of shelters: each country's layout is told by its header.

Known are the list of designated emergency evacuation sites of Japan's mapping authority (GSI), the
Open Shelters of the United States (FEMA's National Shelter System), lists from China, exports of
OpenStreetMap, and our own column names. What a list does not say is unknown, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from shelterplan.sources.columns import (
    DISTRICT_NAMES,
    ID_NAMES,
    PEOPLE,
    SQUARE_METRES,
    amounts,
    flags,
    id_names,
    names,
    yes_no,
)
from shelterplan.sources.datums import DATUMS, in_china, known_datum, shapes_to_wgs84
from shelterplan.sources.osm_features import place_kind, shelter_kind
from shelterplan.sources.outline_area import outline_area_m2
from shelterplan.sources.outlines import repair
from shelterplan.sources.records import Checked, Records, read_records
from shelterplan.tables import HAZARDS

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

CAPACITY_NAMES = (
    "capacity",
    "可容纳人数",
    "容纳人数",
    "容量",
    "収容人数",
    "evacuation_capacity",
    "capacidad",
)
EFFECTIVE_AREA_NAMES = ("area_m2", "有效面积", "有效避难面积", "effective_area_m2")
AREA_NAMES = ("面积", "总面积", "area")
KIND_COLUMNS = ("kind", "type", "类型", "类别")
KINDS = {
    "emergency": "emergency",
    "short": "short",
    "long": "long",
    "central": "central",
    "紧急避难场所": "emergency",
    "紧急": "emergency",
    "短期固定": "short",
    "短期固定避难场所": "short",
    "长期固定": "long",
    "长期固定避难场所": "long",
    "中心": "central",
    "中心避难场所": "central",
    "指定緊急避難場所": "emergency",
}
"""Words that plainly mean one of our kinds; any other text stays as it is."""
STATUS_WORDS = {
    "open": "open",
    "closed": "closed",
    "full": "full",
    "开放": "open",
    "关闭": "closed",
    "已满": "full",
    "": "unknown",
    "unknown": "unknown",
    "unk": "unknown",
    "null": "unknown",
    "alert": "closed",
    "standby": "closed",
}
NOT_YET = ("alert", "standby")
"""Status of shelters that are being made ready: nobody is let in yet."""
GSI_HAZARDS = {
    "flood": ("洪水",),
    "landslide": ("崖崩れ、土石流及び地滑り", "崖崩れ・土石流及び地滑り"),
    "storm_surge": ("高潮",),
    "earthquake": ("地震",),
    "tsunami": ("津波",),
    "fire": ("大規模な火事", "大規模火事"),
    "inland_flood": ("内水氾濫",),
    "volcano": ("火山現象",),
}
"""Columns of the hazards in GSI's list (hfu.gsi.go.jp)."""
MOST_CAPACITY = 1_000_000
"""No shelter holds more people."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """How one kind of list is laid out."""

    name: str
    """What the layout is called in the facts."""
    marks: tuple[str, ...] = ()
    """Columns that such a list has, all of them."""
    ids: tuple[str, ...] = ("sid", *ID_NAMES)
    names: tuple[str, ...] = ("shelter_name",)
    kind: str = ""
    """Kind of every shelter where the list has no column for it."""
    hazards: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {
            hazard: (f"fit_{hazard}", hazard, f"assembly_point:{hazard}") for hazard in HAZARDS
        }
    )
    """Columns that say whether a shelter is fit for a hazard."""
    empty_hazard: str = "unknown"
    """What an empty cell in such a column means."""
    occupants: tuple[str, ...] = ("occupants",)
    capacities: tuple[str, ...] = ()
    """Columns that stand in where the capacity is empty."""


GSI = Layout(
    name="Japan GSI",
    marks=("施設・場所名", "洪水"),
    ids=("共通id",),
    names=("施設・場所名",),
    kind="emergency",
    hazards=GSI_HAZARDS,
    empty_hazard="no",
)
NSS = Layout(
    name="US National Shelter System",
    marks=("shelter_name", "shelter_status"),
    ids=("shelter_id", "objectid"),
    occupants=("total_population",),
    capacities=("post_impact_capacity",),
)
CHINA = Layout(name="China", marks=("经度", "纬度"))
OSM = Layout(name="OpenStreetMap tags")
OWN = Layout(name="own")
OSM_MARKS = ("@id", "shelter_type", "social_facility", "evacuation_center", "emergency:amenity")
"""Columns that only an export of OpenStreetMap has."""


def read_shelters(
    path: str | os.PathLike[str], *, layer: str = "", datum: str = "wgs84"
) -> Checked:
    """Read a list of existing shelters, in any of the layouts that are known here.

    A capacity that is not given, or not safely readable, is NA: unknown, neither nought nor
    without limit. In GSI's list a site is designated for the hazards that are marked "1"; an empty
    cell there means that it is not, and becomes "no". In FEMA's list a shelter in the 100-year
    floodplain is unfit for floods; one outside it is unknown. FEMA's status ALERT or STANDBY is
    closed: nobody is let in yet. `ada_compliant` stands in where `wheelchair_accessible` is
    unknown, and the (smaller) post-impact capacity where the evacuation capacity is. The effective
    area (有效面积) is preferred to the whole.

    Parameters
    ----------
    path : path of a CSV, XLSX, GeoJSON, GeoPackage, GeoParquet or zipped shapefile
        Text may be UTF-8, GB18030 or Shift_JIS.
    layer : str
        The layer of a GeoPackage that has several, or the sheet of a workbook.
    datum : str
        What the coordinates are in: a key of `datums.DATUMS`. They are never shifted unless this
        says so.

    Returns
    -------
    Checked
        Table indexed by shelter_id with the shelter columns of the study area, geometry in
        EPSG:4326, and `district` where the list names it. `facts["layout"]` and `facts["datum"]`
        say how the list was read.

    Raises
    ------
    SourceError, TableError
        The file cannot be read, or no row is good.
    UnknownNameError
        There is no such datum.
    """
    known_datum(datum)
    records = read_records(path, "shelters", layer=layer)
    layout = recognise(records)
    records.facts |= {"layout": layout.name, "datum": DATUMS[datum]}
    geometry = _in_wgs84(records, repair(records, records.positions()), datum)
    if layout is OSM:
        _refuse_roofs(records)
    records.refuse_repeats()
    ids = _ids(records, layout)
    table = gpd.GeoDataFrame(
        {
            "name": names(records, ids, layout.names),
            "kind": _kinds(records, layout),
            "indoor": flags(records, ("indoor", "室内")),
            "capacity": _capacity(records, layout),
            "occupants": amounts(records, layout.occupants, PEOPLE),
            "area_m2": _area(records),
            **_fitness(records, layout),
            "wheelchair": _wheelchair(records),
            "status": _status(records),
            "verified": _verified(records),
            "source": records.text(("source", "来源")).replace("", str(records.facts["name"])),
        },
        geometry=geometry,
        crs=4326,
    ).set_axis(pd.Index(ids, name="shelter_id"))
    if records.find(DISTRICT_NAMES):
        district = records.text(DISTRICT_NAMES).set_axis(table.index)
        table.insert(len(table.columns) - 1, "district", district)
    return records.finish(table)


def read_candidates(
    path: str | os.PathLike[str], *, layer: str = "", datum: str = "wgs84"
) -> Checked:
    """Read sites where a shelter could be: as `read_shelters`, with a cost.

    Returns
    -------
    Checked
        Table indexed by site_id: name, kind, capacity, cost, area_m2 (Float64, NA = unknown; that
        of the outline where none is given), of the further columns of shelters those that the file
        has (`fit_<hazard>`, wheelchair, district), geometry in EPSG:4326.

    Raises
    ------
    SourceError, TableError
        The file cannot be read, or no row is good.
    UnknownNameError
        There is no such datum.
    """
    known_datum(datum)
    records = read_records(path, "candidates", layer=layer)
    records.facts["datum"] = DATUMS[datum]
    geometry = _in_wgs84(records, repair(records, records.positions()), datum)
    records.refuse_repeats()
    ids = records.ids(id_names(records, "site_id"), prefix="c")
    table = gpd.GeoDataFrame(
        {
            "name": names(records, ids),
            "kind": _kinds(records, OWN),
            "capacity": _capacity(records, OWN),
            "cost": records.numbers(("cost", "费用", "造价")),
            "area_m2": _outlined(records, _area(records), geometry),
            **_more_of_candidates(records),
        },
        geometry=geometry,
        crs=4326,
    ).set_axis(pd.Index(ids, name="site_id"))
    return records.finish(table)


def _outlined(records: Records, area_m2: pd.Series, geometry: gpd.GeoSeries) -> pd.Series:
    """Return areas, that of the outline where none is given (said once) [m2]."""
    measured = pd.Series(np.nan, index=area_m2.index)
    measured[~records.bad] = outline_area_m2(geometry[~records.bad])
    taken = np.flatnonzero((area_m2.isna() & measured.notna()).to_numpy(bool))
    records.remark(
        taken[:1],
        "area_m2",
        f"area is not given in {len(taken):,} rows: that of the outline is taken",
        "give the area that can be used",
    )
    return area_m2.where(area_m2.notna(), measured.astype("Float64"))


def _more_of_candidates(records: Records) -> dict[str, pd.Series]:
    """Return those of the further columns of shelters that a list of candidates has."""
    has = {f"fit_{hazard}": bool(records.find(OWN.hazards[hazard])) for hazard in HAZARDS}
    found = {name: said for name, said in _fitness(records, OWN).items() if has[name]}
    if records.find(("wheelchair", "wheelchair_accessible", "ada_compliant")):
        found["wheelchair"] = _wheelchair(records)
    if records.find(DISTRICT_NAMES):
        found["district"] = records.text(DISTRICT_NAMES)
    return found


def recognise(records: Records) -> Layout:
    """Return the layout whose marks stand in the header; our own where none does."""
    columns = set(records.cells.columns)
    for layout in (GSI, NSS):
        if columns.issuperset(layout.marks):
            return layout
    points = "assembly_point" in set(records.text(("emergency",)))
    if points or columns.intersection(OSM_MARKS) or _any_point_tag(columns):
        return OSM
    return CHINA if columns.issuperset(CHINA.marks) else OWN


def _any_point_tag(columns: set[str]) -> bool:
    return any(column.startswith("assembly_point:") for column in columns)


def _in_wgs84(records: Records, geometry: gpd.GeoSeries, datum: str) -> gpd.GeoSeries:
    """Return geometry brought to WGS 84 from the declared datum; say what that left alone."""
    if datum in ("wgs84", "cgcs2000"):
        return geometry
    bounds = geometry.bounds.to_numpy()
    outside = np.flatnonzero(~in_china(bounds[:, 0], bounds[:, 1]) & ~records.bad)
    records.remark(
        outside[:1],
        "",
        f"{outside.size:,} rows lie outside China, where {DATUMS[datum].split()[0]} is the same as "
        "WGS 84: left as they are",
        "check that the datum of this list is declared rightly",
    )
    moved = shapes_to_wgs84(geometry.to_numpy(), datum)
    return gpd.GeoSeries(moved, index=geometry.index, crs=4326)


def _tags(records: Records) -> list[dict[str, str]]:
    """Return the tags of each row."""
    columns = [str(column) for column in records.cells.columns]
    return [dict(zip(columns, row, strict=True)) for row in records.cells.to_numpy()]


def _refuse_roofs(records: Records) -> None:
    """Leave out what OpenStreetMap calls a shelter and is a roof against rain."""
    tags = _tags(records)
    roofs = [
        i for i, row in enumerate(tags) if row.get("amenity") == "shelter" and not shelter_kind(row)
    ]
    records.refuse(
        [i for i in roofs if not records.bad[i]],
        "amenity",
        lambda i: (
            f"amenity=shelter with shelter_type {tags[i].get('shelter_type') or 'none given'}: "
            "a roof, no emergency shelter"
        ),
        "tag it as an emergency shelter if it is one, or remove the row",
    )


def _ids(records: Records, layout: Layout) -> pd.Series:
    """Return ids; GSI's older lists number their sites within each municipality."""
    code, number = records.text(("市町村コード",)), records.text(("no",))
    joined = code + "-" + number
    whole = (code != "").all() and (number != "").all() and joined.is_unique
    if layout is GSI and whole and not records.find(("shelter_id", *layout.ids)):
        return joined
    return records.ids(id_names(records, "shelter_id", ids=layout.ids), prefix="s")


def _kinds(records: Records, layout: Layout) -> pd.Series:
    """Return kinds, in our words where the list's plainly mean the same."""
    if layout is OSM:
        found = [
            shelter_kind(row) or place_kind(row) or row.get("kind", "") for row in _tags(records)
        ]
        return pd.Series(found, index=records.cells.index, dtype=str)
    if layout.kind and not records.find(KIND_COLUMNS):
        return pd.Series(layout.kind, index=records.cells.index, dtype=str)
    text = records.text(KIND_COLUMNS)
    return text.str.casefold().map(KINDS).where(lambda known: known.notna(), text).astype(str)


def _capacity(records: Records, layout: Layout) -> pd.Series:
    """Return the capacity; what no shelter can hold leaves the row out."""
    capacity = _stated_capacity(records, layout)
    shown = capacity.to_numpy(float, na_value=np.nan)
    records.refuse(
        np.flatnonzero(shown > MOST_CAPACITY),
        "capacity",
        lambda i: f"capacity {shown[i]:g} is more than any shelter holds",
        "give the number of people",
    )
    return capacity.mask(shown > MOST_CAPACITY)


def _stated_capacity(records: Records, layout: Layout) -> pd.Series:
    """Return capacities; where one is empty, that of the layout's next column."""
    capacity = amounts(records, CAPACITY_NAMES, PEOPLE)
    for column in layout.capacities:
        other = amounts(records, (column,), PEOPLE)
        filled = capacity.isna() & other.notna()
        records.remark(
            np.flatnonzero(filled & ~records.bad),
            column,
            f"capacity is not given: {column} is taken",
            "give the capacity",
        )
        capacity = capacity.mask(filled, other)
    return capacity


def _area(records: Records) -> pd.Series:
    """Return the effective area, or the whole one where there is no other [m2]."""
    effective = amounts(records, EFFECTIVE_AREA_NAMES, SQUARE_METRES)
    whole = amounts(records, AREA_NAMES, SQUARE_METRES)
    taken = effective.isna() & whole.notna()
    if effective.notna().any():
        records.remark(
            np.flatnonzero(taken & ~records.bad),
            "area_m2",
            "effective area is not given: the whole area is taken",
            "give the effective area",
        )
    return effective.mask(taken, whole)


def _fitness(records: Records, layout: Layout) -> dict[str, pd.Series]:
    """Return one column of yes / no / unknown for each hazard."""
    fitness = {
        f"fit_{hazard}": yes_no(records, layout.hazards.get(hazard, ()), empty=layout.empty_hazard)
        for hazard in HAZARDS
    }
    if layout is NSS:
        wet = yes_no(records, ("in_100_yr_floodplain",)) == "yes"
        fitness["fit_flood"] = fitness["fit_flood"].mask(wet, "no")
    return fitness


def _wheelchair(records: Records) -> pd.Series:
    """Return whether a wheelchair gets in; compliance with the ADA stands in where unknown."""
    said = yes_no(records, ("wheelchair", "wheelchair_accessible"))
    return said.mask(said == "unknown", yes_no(records, ("ada_compliant",)))


def _status(records: Records) -> pd.Series:
    """Return the status in our words; what is not known or not open yet is said."""
    words = records.text(("status", "shelter_status", "状态")).str.casefold()
    shown = words.to_numpy()
    records.remark(
        np.flatnonzero(~words.isin(STATUS_WORDS).to_numpy()),
        "status",
        lambda i: f"status {shown[i][:40]!r} is not known",
        "write open, closed, full or unknown",
    )
    records.remark(
        np.flatnonzero(words.isin(NOT_YET).to_numpy()),
        "status",
        lambda i: f"status {shown[i]!r} means not open yet: taken as closed",
        "write open when people are let in",
    )
    return words.map(STATUS_WORDS).fillna("unknown").astype(str)


def _verified(records: Records) -> pd.Series:
    text = records.text(("verified", "verified_date", "核实日期", "check_date"))
    return text.mask(text == "", pd.NA)
