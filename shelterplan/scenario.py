"""The assumptions of one analysis: the hazard, who walks, what is open, when they leave."""

from __future__ import annotations

import math
import re
import tomllib
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_type_hints

import numpy as np
import shapely
import tomli_w
from numpy.typing import NDArray

from shelterplan.errors import ShelterplanError, UnknownNameError
from shelterplan.standards import Certainty, is_number

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

Metres = TypeVar("Metres", float, "NDArray[np.float64]")
Phase = Literal["during", "before"]
Gates = Literal["open", "emergency"]
Time = Literal["any", "day", "night"]
Slope = Literal["tobler", "irmischer", "none"]
Room = Literal["assigned", "nearest", "ignored"]
Unknown = Literal["accept", "refuse"]

NIGHT_PACE = 0.8
"""Speed by night as a share of that by day (Nankai trough working group, cited; secondary)."""
WORST_LEVEL = 4
"""Level of the worst hazard zones; the mildest is 1."""
FASTEST_M_S = 100.0
LONGEST_PERIOD = 10_000_000
MOST_CLOSED = 10_000
"""Streets, areas or shelters that a scenario can close."""
MOST_BYTES = 5_000_000
"""A larger file is no scenario."""
_SHOWN = 80
"""Letters of a wrong value that a message shows."""
POLYGON_WKT = re.compile(r"\s*(MULTI)?POLYGON\s*(Z|M|ZM)?\s*(\(|EMPTY)", re.IGNORECASE)
"""How the WKT of a polygon begins. Collections inside collections, a hundred thousand deep, would
end the whole program in the parser."""


class ScenarioError(ShelterplanError, ValueError):
    """A scenario with an impossible value."""


def _polygon(wkt: str) -> shapely.Polygon | shapely.MultiPolygon:
    """Return a closed area, or raise ScenarioError where it is none."""
    if not POLYGON_WKT.match(wkt):
        message = f"closed area {wkt[:40]!r} must be a polygon in longitude and latitude, in WKT"
        raise ScenarioError(message)
    try:
        shape = shapely.from_wkt(wkt)
    except (shapely.GEOSException, TypeError) as error:
        message = f"closed area {wkt[:40]!r} is not a polygon in WKT: {str(error)[:_SHOWN]}"
        raise ScenarioError(message) from error
    lon_lat = np.abs(shapely.get_coordinates(shape))
    if (
        not isinstance(shape, shapely.Polygon | shapely.MultiPolygon)
        or shape.is_empty
        or not shape.is_valid
        or not (lon_lat <= (180, 90)).all()
    ):
        message = f"closed area {wkt[:40]!r} must be a polygon in longitude and latitude"
        raise ScenarioError(message)
    return shape


def _told(value: object) -> str:
    """Return how a wrong value is shown, cut where it is long.

    Examples
    --------
    >>> _told("dawn"), len(_told("x" * 5000))
    ("'dawn'", 80)
    """
    if isinstance(value, int) and value.bit_length() > 4 * _SHOWN:
        return "a number of far too many digits"
    return f"{value!r:.{_SHOWN}}"


def _text_of(file: Path) -> str:
    """Return the text of a scenario's file."""
    try:
        if file.stat().st_size > MOST_BYTES:
            most = MOST_BYTES // 1_000_000
            message = f"{file.name} is larger than {most} MB: that is no scenario"
            raise ScenarioError(message)
        return file.read_text("utf-8")
    except (OSError, ValueError) as error:
        if isinstance(error, (ScenarioError, UnicodeDecodeError)):
            raise
        message = f"the scenario {file.name[:_SHOWN]!r} cannot be opened: no such file, or no file"
        raise ScenarioError(message) from error


def _refuse_unknown(settings: Mapping[str, Any], kind: type[Any], what: str) -> None:
    """Raise if a setting is none of a dataclass."""
    known = [one.name for one in fields(kind)]
    for name in settings:
        if name not in known:
            unknown = UnknownNameError(f"setting of the {what}", str(name)[:_SHOWN], known)
            raise ScenarioError(str(unknown))


@cache
def _hints(what: str) -> dict[str, Any]:
    """Return the types of the settings of a scenario or of a walker, by name."""
    return get_type_hints(Walker if what == "walker" else Scenario)


def _check_types(settings: Scenario | Walker, what: str) -> None:
    """Raise ScenarioError where a setting has the wrong type or is not one of its words."""
    hints = _hints(what)
    for one in fields(settings):
        value, hint = getattr(settings, one.name), hints[one.name]
        words = get_args(hint) if getattr(hint, "__origin__", None) is Literal else ()
        if words:
            fits, wanted = value in words, f"one of {', '.join(words)}"
        elif hint is float:
            fits, wanted = is_number(value), "a finite number"
        elif hint is bool:
            fits, wanted = isinstance(value, bool), "true or false"
        elif hint is str:
            fits, wanted = isinstance(value, str), "a text"
        elif hint in (int, int | None):
            fits = (value is None and hint is not int) or (
                isinstance(value, int) and not isinstance(value, bool)
            )
            wanted = "a whole number"
        elif hint == tuple[int, ...]:
            fits = isinstance(value, tuple) and all(
                isinstance(v, int) and not isinstance(v, bool) and v >= 0 for v in value
            )
            wanted = "a list of whole numbers >= 0"
        elif hint == tuple[str, ...]:
            fits = isinstance(value, tuple) and all(isinstance(v, str) for v in value)
            wanted = "a list of texts"
        else:
            continue
        if not fits:
            message = f"{one.name} of the {what} must be {wanted}, got {_told(value)}"
            raise ScenarioError(message)


@dataclass(frozen=True, kw_only=True, slots=True)
class Walker:
    """A kind of walker: how fast, and over what.

    Examples
    --------
    >>> Walker(name="my group", speed_m_s=0.7, steps=False).speed_m_s
    0.7
    """

    name: str
    """Short name, the key in `WALKERS`."""
    speed_m_s: float
    """Walking speed on the flat [m/s]."""
    stairs_speed_m_s: float | None = None
    """Speed on stairs; None: as elsewhere [m/s]."""
    steps: bool = True
    """Whether this walker can use steps."""
    wheelchair: bool = False
    """Whether ways and shelters that are marked as impassable for wheelchairs are left out."""
    dark: bool = False
    """Whether the speed is already that of the night."""
    certainty: Certainty = "own choice"
    """How sure we are of the speed."""
    source: str = ""
    """Where the speed comes from."""

    def __post_init__(self) -> None:
        _check_types(self, "walker")
        for name in ("speed_m_s", "stairs_speed_m_s"):
            value = getattr(self, name)
            if value is not None and not (is_number(value) and 0 < value <= FASTEST_M_S):
                message = (
                    f"{name} must be a number > 0, at most {FASTEST_M_S:g}, got {_told(value)}"
                )
                raise ScenarioError(message)


WALKERS: dict[str, Walker] = {
    walker.name: walker
    for walker in (
        Walker(
            name="adult",
            speed_m_s=1.27,
            certainty="seen",
            source="Bohannon 1997: slowest group of comfortable adult walkers",
        ),
        Walker(
            name="elderly",
            speed_m_s=1.1,
            certainty="secondary",
            source="Japanese fire agency manual, quoted: elderly person alone",
        ),
        Walker(
            name="pushchair",
            speed_m_s=0.9,
            steps=False,
            certainty="secondary",
            source="Japanese fire agency manual, quoted: with a pushchair",
        ),
        Walker(
            name="wheelchair",
            speed_m_s=0.69,
            steps=False,
            wheelchair=True,
            certainty="background",
            source="Boyce: manual wheelchair",
        ),
        Walker(
            name="assisted",
            speed_m_s=0.8,
            stairs_speed_m_s=0.4,
            certainty="secondary",
            source="Japanese fire agency manual, quoted: needs help; on stairs half as fast",
        ),
        Walker(
            name="night",
            speed_m_s=1.016,
            dark=True,
            certainty="secondary",
            source="adult, 1.27 m/s x 0.8 in the dark (Nankai trough working group, cited)",
        ),
        Walker(
            name="crowd",
            speed_m_s=0.65,
            certainty="background",
            source="Nelson and Mowrer (SFPE handbook): 1.40 (1 - 0.266 D) m/s at D = 2 persons/m2",
        ),
    )
}
"""The named walkers, with their published speeds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """What is assumed of the hazard, the walkers, the ways and the shelters.

    Examples
    --------
    >>> round(Scenario.of(walker="elderly").walk_time_s(550.0), 3)
    500.0
    >>> wet = Scenario.of(hazard="flood", hazard_level=2, time="night")
    >>> Scenario.from_dict(wet.to_dict()) == wet
    True
    """

    walker: Walker = field(default_factory=lambda: WALKERS["adult"])
    """Who walks."""
    hazard: str = ""
    """The hazard, such as `flood`; empty: none."""
    hazard_level: int = 1
    """Zones of this level and above count, 1 (mildest) to 4 (worst)."""
    return_period: int | None = None
    """Zones that are struck at least once in so many years on average; None: all [years]."""
    phase: Phase = "during"
    """`during`: zones close streets; `before`: the hazard is on its way, and streets in its zones
    can still be walked. Shelters in the zones are unfit in both."""
    gates: Gates = "open"
    """`open`: entrances that are open in general; `emergency`: those that are opened in an
    emergency only, too."""
    closed_streets: tuple[int, ...] = ()
    """Numbers of streets (rows of the streets table) that cannot be walked."""
    closed_areas: tuple[str, ...] = ()
    """Areas that cannot be walked: polygons in WKT, longitude and latitude."""
    closed_shelters: tuple[str, ...] = ()
    """Ids of shelters that cannot be used."""
    time: Time = "any"
    """When it happens: sets how many people are where, and by night how fast they walk."""
    delay_s: float = 0.0
    """Time before people leave, which counts against a standard in minutes [s]."""
    slope: Slope = "tobler"
    """How slopes change the speed, where the elevation is known."""
    room: Room = "assigned"
    """`assigned`: people are sent where there is room, with the least walking in all; `nearest`:
    they go to the nearest and, if it is full, to the next; `ignored`: room is not looked at."""
    unknown_fitness: Unknown = "accept"
    """Whether shelters are used of which nobody has said if they are fit for the hazard."""
    max_leg_m: float = 500.0
    """Longest way from a place to the nearest street; farther is `no_network` [m]."""
    island_slack_m: float = 50.0
    """How much farther a street may be that leads somewhere, to be preferred to one that
    does not [m]."""

    def __post_init__(self) -> None:
        _check_types(self, "scenario")
        for name in ("closed_streets", "closed_areas", "closed_shelters"):
            listed = tuple(sorted(set(getattr(self, name))))
            if len(listed) > MOST_CLOSED:
                message = f"{name} has {len(listed):,} entries, the most is {MOST_CLOSED:,}"
                raise ScenarioError(message)
            object.__setattr__(self, name, listed)
        for name in ("max_leg_m", "island_slack_m", "delay_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                message = f"{name} must be a finite number >= 0, got {_told(value)}"
                raise ScenarioError(message)
        if not 1 <= self.hazard_level <= WORST_LEVEL:
            message = f"hazard_level must be 1 to {WORST_LEVEL}, got {_told(self.hazard_level)}"
            raise ScenarioError(message)
        if self.return_period is not None and not 1 <= self.return_period <= LONGEST_PERIOD:
            message = f"return_period must be 1 to {LONGEST_PERIOD:,} years"
            raise ScenarioError(message)
        for wkt in self.closed_areas:
            _polygon(wkt)

    @classmethod
    def of(cls, *, walker: str | Walker = "adult", **settings: Any) -> Scenario:  # noqa: ANN401
        """Return the scenario of a walker, named or your own, with any further settings."""
        if isinstance(walker, Walker):
            return cls(walker=walker, **settings)
        if walker not in WALKERS:
            raise UnknownNameError("walker", str(walker)[:_SHOWN], list(WALKERS))
        return cls(walker=WALKERS[walker], **settings)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Scenario:
        """Return the scenario of plain values, as `to_dict` gives them.

        `walker` is a name, or a table with `name` and `speed_m_s` and whatever else a `Walker` has.

        Raises
        ------
        ScenarioError
            If a setting is not known, or its value is impossible.
        """
        _refuse_unknown(settings, cls, "scenario")
        values = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in settings.items()
        }
        walker = values.pop("walker", "adult")
        if isinstance(walker, dict):
            _refuse_unknown(walker, Walker, "walker")
            missing = [name for name in ("name", "speed_m_s") if name not in walker]
            if missing:
                message = f"the walker of the scenario has no {' and no '.join(missing)}"
                raise ScenarioError(message)
            walker = Walker(**walker)
        elif not isinstance(walker, str):
            message = f"walker must be a name or a table, got {_told(walker)}"
            raise ScenarioError(message)
        return cls.of(walker=walker, **values)

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str]) -> Scenario:
        """Read a scenario from a TOML file with the settings by their names.

        Raises
        ------
        ScenarioError
            If the file is no TOML, or a setting is wrong.
        """
        file = Path(path)
        try:
            settings = tomllib.loads(_text_of(file))
        except (ValueError, RecursionError) as error:  # numbers of 5,000 digits are ValueErrors
            if isinstance(error, ScenarioError):
                raise
            message = f"{file.name} is not a TOML file: {str(error)[:_SHOWN]}"
            raise ScenarioError(message) from error
        try:
            return cls.from_dict(settings)
        except (ScenarioError, UnknownNameError) as error:
            message = f"{file.name}: {error}"
            raise ScenarioError(message) from error

    def to_toml(self) -> str:
        """Return the scenario as TOML, which `from_toml` reads."""
        return tomli_w.dumps(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values, for a manifest; what is None is left out."""
        values = asdict(self)
        values["walker"] = {k: v for k, v in values["walker"].items() if v is not None}
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in values.items()
            if value is not None
        }

    def with_changes(self, **settings: Any) -> Scenario:  # noqa: ANN401
        """Return a scenario that differs in some settings."""
        return replace(self, **settings)

    @property
    def speed_m_s(self) -> float:
        """Speed on the flat, at this time of day [m/s]."""
        return self.walker.speed_m_s * self._pace

    @property
    def stairs_speed_m_s(self) -> float:
        """Speed on stairs, at this time of day [m/s]."""
        return (self.walker.stairs_speed_m_s or self.walker.speed_m_s) * self._pace

    @property
    def _pace(self) -> float:
        return NIGHT_PACE if self.time == "night" and not self.walker.dark else 1.0

    def walk_time_s(self, distance_m: Metres) -> Metres:
        """Return the time of a walk on the flat [s]; arrays and `inf` pass through."""
        return distance_m / self.speed_m_s

    @property
    def polygons(self) -> list[shapely.Polygon | shapely.MultiPolygon]:
        """The closed areas, longitude and latitude."""
        return [_polygon(wkt) for wkt in self.closed_areas]
