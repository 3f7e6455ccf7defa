"""What makes a site unfit for a shelter: the rules, their order, and their words."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import shapely

from shelterplan.scenario import POLYGON_WKT, WORST_LEVEL
from shelterplan.siting.result import SitingError
from shelterplan.standards import is_number

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_WAYS = 2
"""Ways into a site are counted up to this."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SuitabilityRules:
    """Which candidate sites are left out; every rule that is None or empty is off.

    Examples
    --------
    >>> SuitabilityRules(min_area_m2=2000, min_ways_in=2).min_area_m2
    2000
    """

    hazards: tuple[str, ...] = ()
    """Hazards whose zones count besides that of the scenario."""
    hazard_level: int = 1
    """Sites that touch a zone of this level or above are out, 1 (mildest) to 4 (worst)."""
    min_area_m2: float | None = None
    """Smallest area of a site, inclusive; None: what one person needs by the standard, if it sets
    an area for each [m2]."""
    max_slope: float | None = None
    """Steepest mean slope of the streets at the site, rise / run, inclusive (0.05: 5 %)."""
    min_ways_in: int = 1
    """Ways into the site that share no street, on the streets that the scenario leaves open: 1, or
    2 for a site that can still be reached if any one street is cut; 0: no rule."""
    rest_m: float = 500.0
    """A site is reached as long as it is connected with so much of streets, see
    `ways_in.ways_in` [m] (own choice: as long as the usual walk)."""
    min_shelter_distance_m: float | None = None
    """Shortest walk to a shelter that is used in the scenario, inclusive [m]."""
    excluded_kinds: tuple[str, ...] = ()
    """Kinds of site that are out, such as `parking`."""
    excluded_land: tuple[tuple[str, str], ...] = ()
    """Land that is out: name, and polygon in WKT, longitude and latitude. A site that only borders
    on it stays in."""

    def __post_init__(self) -> None:
        for name in ("hazards", "excluded_kinds", "excluded_land"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in ("min_area_m2", "max_slope", "rest_m", "min_shelter_distance_m"):
            value = getattr(self, name)
            if not (value is None and name != "rest_m") and not (is_number(value) and value >= 0):
                raise SitingError(f"{name} must be a finite number >= 0, got {value!r}")
        _check_whole("hazard_level", self.hazard_level, 1, WORST_LEVEL)
        _check_whole("min_ways_in", self.min_ways_in, 0, MOST_WAYS)
        _ = self.land

    @property
    def land(self) -> list[tuple[str, shapely.Geometry]]:
        """The excluded land: name and polygon, longitude and latitude."""
        return [_land(pair) for pair in self.excluded_land]

    def to_dict(self) -> dict[str, object]:
        """Return the rules as plain values, for a manifest; what is None is left out."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {
            name: [list(v) if isinstance(v, tuple) else v for v in value]
            if isinstance(value, tuple)
            else value
            for name, value in values.items()
            if value is not None
        }


def _check_whole(name: str, value: object, lowest: int, highest: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
        raise SitingError(f"{name} must be {lowest} to {highest}, got {value!r}")


def _land(pair: object) -> tuple[str, shapely.Geometry]:
    """Return excluded land as a name and a polygon, or raise SitingError."""
    if not (isinstance(pair, tuple | list) and len(pair) == 2 and all(map(_is_text, pair))):
        raise SitingError(f"excluded land must be pairs of a name and a polygon, got {pair!r}")
    name, wkt = str(pair[0]), str(pair[1])
    if not POLYGON_WKT.match(wkt):
        raise SitingError(f"excluded land {name[:80]!r} must be a polygon, in WKT")
    try:
        shape = shapely.from_wkt(wkt)
    except shapely.GEOSException as error:
        raise SitingError(f"excluded land {name!r} is no polygon in WKT: {error}") from error
    on_earth = bool((np.abs(shapely.get_coordinates(shape)) <= (180, 90)).all())
    if (
        not isinstance(shape, shapely.Polygon | shapely.MultiPolygon)
        or not shape.is_valid
        or shape.is_empty
        or not on_earth
    ):
        raise SitingError(f"excluded land {name!r} must be a polygon in longitude and latitude")
    return name, shape


def _is_text(value: object) -> bool:
    return isinstance(value, str)


class Rule(NamedTuple):
    """One reason for which a site is left out."""

    name: str
    active: Callable[[SuitabilityRules], bool]
    """Whether the rule is on."""
    broken: Callable[[pd.DataFrame, SuitabilityRules], pd.Series]
    """Which measured sites it leaves out; unknown values are NA."""
    words: tuple[str, str]
    """What is said of one site that it leaves out, and of several."""


RULES: tuple[Rule, ...] = (
    Rule(
        "not_on_network",
        lambda _: True,
        lambda sites, _: ~sites["on_network"],
        ("lies too far from any street", "lie too far from any street"),
    ),
    Rule(
        "in_zone",
        lambda _: True,
        lambda sites, rules: sites["hazard_level"] >= rules.hazard_level,
        ("lies in {zones}", "lie in {zones}"),
    ),
    Rule(
        "excluded_land",
        lambda rules: bool(rules.excluded_land),
        lambda sites, _: sites["land"] != "",
        ("lies on excluded land", "lie on excluded land"),
    ),
    Rule(
        "excluded_kind",
        lambda rules: bool(rules.excluded_kinds),
        lambda sites, rules: sites["kind"].isin(rules.excluded_kinds).where(sites["kind"].notna()),
        ("is of an excluded kind", "are of excluded kinds"),
    ),
    Rule(
        "too_small",
        lambda rules: rules.min_area_m2 is not None,
        lambda sites, rules: sites["area_m2"] < rules.min_area_m2,
        ("is too small", "are too small"),
    ),
    Rule(
        "too_steep",
        lambda rules: rules.max_slope is not None,
        lambda sites, rules: sites["slope"] > rules.max_slope,
        ("lies on streets that are too steep", "lie on streets that are too steep"),
    ),
    Rule(
        "one_way_in",
        lambda rules: rules.min_ways_in > 0,
        lambda sites, rules: sites["ways_in"] < rules.min_ways_in,
        ("has too few ways in", "have too few ways in"),
    ),
    Rule(
        "near_shelter",
        lambda rules: rules.min_shelter_distance_m is not None,
        lambda sites, rules: sites["nearest_shelter_m"] < rules.min_shelter_distance_m,
        ("is too near to a shelter", "are too near to a shelter"),
    ),
)
"""Every rule, in the order in which they are looked at: the first that leaves a site out is its
reason."""


def judge(sites: pd.DataFrame, rules: SuitabilityRules) -> pd.DataFrame:
    """Return which sites are suitable, why not, and what is not known.

    Parameters
    ----------
    sites : DataFrame
        With the measured columns `on_network`, `hazard_level`, `land`, `kind`, `area_m2`, `slope`,
        `ways_in`, `nearest_shelter_m`.
    rules : SuitabilityRules
        What is asked of them.

    Returns
    -------
    DataFrame
        `suitable`, `reason` (name of the first rule that leaves the site out, "" if none) and
        `doubts` (names of the rules that are on and could not be looked at, with commas).

    Examples
    --------
    >>> sites = pd.DataFrame({"on_network": [True, True], "kind": ["park", "park"],
    ...     "hazard_level": pd.array([0, 3], "Int64"), "land": "", "ways_in": 2,
    ...     "area_m2": pd.array([None, 90.0], "Float64"), "slope": pd.array([None] * 2, "Float64"),
    ...     "nearest_shelter_m": 700.0})
    >>> judge(sites, SuitabilityRules(min_area_m2=100)).to_numpy().tolist()
    [[True, '', 'too_small'], [False, 'in_zone', '']]
    """
    active = [rule for rule in RULES if rule.active(rules)]
    broken = np.zeros((len(active), len(sites)), bool)
    unknown = np.zeros_like(broken)
    for row, rule in enumerate(active):
        found = rule.broken(sites, rules).astype("boolean")
        broken[row] = found.fillna(value=False).to_numpy(bool)
        unknown[row] = found.isna().to_numpy(bool)
    names = np.array([rule.name for rule in active], object)
    out = np.asarray(broken.any(axis=0))
    reason = np.where(out, names[broken.argmax(axis=0)], "")
    doubts = [", ".join(names[column]) for column in unknown.T]
    return pd.DataFrame(
        {
            "suitable": ~out,
            "reason": pd.array(reason, dtype="str"),
            "doubts": pd.array(doubts, dtype="str"),
        },
        index=sites.index,
    )
