"""Which OpenStreetMap ways people can walk along when they have to reach a shelter.

Each rule is one function that looks at a way's tags and answers "no walker may use it"; the table
`RULES` gives their order and the reason in words. A way is dropped by the first rule that it
breaks, and whoever reads the streets reports how much each rule took away.

What is *not* a reason to drop a way:

- `oneway`: it is for vehicles. `oneway:foot`, `foot:forward` and `foot:backward` do count.
- `sidewalk=separate` on an ordinary street: the pavement is drawn as a way of its own, but rarely
  all of it, and people can still walk along the street.
- `area=yes`: the outline of a square is walked round, so that the streets that meet it stay joined.
- `conveying`: an escalator that stands still is a stairway, in both directions.
- `service=driveway`: a drive leads to a house; only `access=private` closes it.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

Tags = Mapping[str, str]
"""The tags of one OpenStreetMap object, key to value."""

CLOSED = frozenset({"no", "private", "military"})
WELCOME = frozenset({"yes", "designated", "permissive", "official"})
SIDEWALKS = frozenset({"both", "left", "right", "yes"})
NOT_BUILT = frozenset(
    {"construction", "proposed", "planned", "abandoned", "disused", "razed", "dismantled", "no"},
)
PLACES = frozenset({"services", "rest_area", "street_lamp", "traffic_island", "bus_stop"})
WALLS = frozenset({"wall", "fence", "hedge", "city_wall", "retaining_wall", "ditch"})
STEP_BARRIERS = frozenset({"stile", "turnstile", "kissing_gate", "full-height_turnstile", "log"})

KEYS = (
    *("highway", "railway", "route", "access", "foot", "motorroad", "abandoned", "razed", "indoor"),
    *("sidewalk", "sidewalk:left", "sidewalk:right", "sidewalk:both"),
    *("oneway:foot", "foot:forward", "foot:backward"),
    *("tunnel", "bridge", "wheelchair", "sac_scale", "incline"),
)
"""Every key that matters to a way: two ways that agree in these are judged and described alike."""


class Rule(NamedTuple):
    """One reason why a way is left out."""

    name: str
    drops: Callable[[Tags], bool]
    reason: str


def is_candidate(tags: Tags) -> bool:
    """Tell whether the way is meant to be travelled at all: only these are judged and reported.

    >>> is_candidate({"highway": "footway"}), is_candidate({"railway": "rail"})
    (True, False)
    """
    return "highway" in tags or tags.get("railway") == "platform" or tags.get("route") == "ferry"


def street_class(tags: Tags) -> str:
    """Name the kind of way: its `highway` value, else platform or ferry."""
    if "highway" in tags:
        return tags["highway"]
    return "platform" if tags.get("railway") == "platform" else "ferry"


def welcomes_walkers(tags: Tags) -> bool:
    """Tell whether `foot` says in so many words that people may walk here."""
    return tags.get("foot") in WELCOME


def has_sidewalk(tags: Tags) -> bool:
    """Tell whether the way itself has a pavement (`separate` is a way of its own, elsewhere)."""
    return (
        tags.get("sidewalk") in SIDEWALKS
        or tags.get("sidewalk:left") == "yes"
        or tags.get("sidewalk:right") == "yes"
        or tags.get("sidewalk:both") == "yes"
    )


def is_rescued(tags: Tags) -> bool:
    """Tell whether a way stays open to walkers though its kind or its `access` is closed."""
    return welcomes_walkers(tags) or has_sidewalk(tags)


def is_ferry(tags: Tags) -> bool:
    """Find ferry routes: no ferry is promised in an emergency."""
    return "highway" not in tags and street_class(tags) == "ferry"


def is_not_built(tags: Tags) -> bool:
    """Find what is not there yet, or no longer there."""
    return (
        tags.get("highway") in NOT_BUILT
        or tags.get("abandoned") == "yes"
        or tags.get("razed") == "yes"
    )


def is_no_way(tags: Tags) -> bool:
    """Find places and objects that carry a `highway` tag but are no ways."""
    return tags.get("highway") in PLACES


def is_raceway(tags: Tags) -> bool:
    """Find race tracks."""
    return tags.get("highway") == "raceway"


def is_lift(tags: Tags) -> bool:
    """Find lifts drawn as ways: they stand still in a fire, a quake, or without power."""
    return tags.get("highway") == "elevator"


def is_via_ferrata(tags: Tags) -> bool:
    """Find climbs on iron rungs."""
    return tags.get("highway") == "via_ferrata"


def is_foot_closed(tags: Tags) -> bool:
    """Find what is closed to walkers in so many words; no sidewalk makes up for that."""
    return tags.get("foot") in CLOSED


def is_beside_path(tags: Tags) -> bool:
    """Find roads whose walkers have to use the path beside them, a way of its own."""
    return tags.get("foot") == "use_sidepath"


def is_access_closed(tags: Tags) -> bool:
    """Find what is closed to the public, without a word that walkers may pass.

    A sidewalk rescues `access=no` (a busway, say), but it does not open a private gate.
    """
    if tags.get("access") == "no":
        return not is_rescued(tags)
    return tags.get("access") in CLOSED and not welcomes_walkers(tags)


def is_motorway(tags: Tags) -> bool:
    """Find motorways and their slip roads."""
    return tags.get("highway") in {"motorway", "motorway_link"} and not is_rescued(tags)


def is_motorroad(tags: Tags) -> bool:
    """Find roads for motor vehicles only."""
    return tags.get("motorroad") == "yes" and not is_rescued(tags)


def is_bare_trunk(tags: Tags) -> bool:
    """Find trunk roads without a sidewalk."""
    return tags.get("highway") in {"trunk", "trunk_link"} and not is_rescued(tags)


def is_busway(tags: Tags) -> bool:
    """Find carriageways for buses alone."""
    return tags.get("highway") in {"busway", "bus_guideway"} and not is_rescued(tags)


def is_indoors(tags: Tags) -> bool:
    """Find ways inside a building, without a word that they are public footways."""
    inside = tags.get("highway") == "corridor" or tags.get("indoor", "no") != "no"
    return inside and not is_rescued(tags)


def goes_neither_way(tags: Tags) -> bool:
    """Find ways closed to walkers in one direction by one tag, in the other by another."""
    return foot_directions(tags) == (False, False)


RULES: tuple[Rule, ...] = (
    Rule("ferry", is_ferry, "a ferry is no walk"),
    Rule("not_built", is_not_built, "under construction, planned or abandoned"),
    Rule("no_way", is_no_way, "a place such as a rest area, not a way"),
    Rule("raceway", is_raceway, "a race track"),
    Rule("lift", is_lift, "lifts stand still in an emergency"),
    Rule("via_ferrata", is_via_ferrata, "a climbing route"),
    Rule("foot_closed", is_foot_closed, "foot=no, private or military"),
    Rule("side_path", is_beside_path, "walkers have to use the path beside it"),
    Rule("motorway", is_motorway, "a motorway without sidewalk or foot=yes"),
    Rule("motorroad", is_motorroad, "motorroad=yes without sidewalk or foot=yes"),
    Rule("trunk", is_bare_trunk, "a trunk road without sidewalk or foot=yes"),
    Rule("busway", is_busway, "a carriageway for buses without sidewalk or foot=yes"),
    Rule(
        "access_closed",
        is_access_closed,
        "access=private or military without foot=yes, or access=no without that or a sidewalk",
    ),
    Rule("indoors", is_indoors, "inside a building: open only when the building is"),
    Rule("neither_way", goes_neither_way, "closed to walkers in both directions"),
)
"""The walk filter, in the order in which it is asked; the first rule that drops a way is named."""


def broken_rule(tags: Tags) -> Rule | None:
    """Find the first rule that closes the way to walkers.

    Parameters
    ----------
    tags
        The tags of a candidate way.

    Returns
    -------
    Rule or None
        None when people may walk here.

    Examples
    --------
    >>> broken_rule({"highway": "trunk"}).name
    'trunk'
    >>> broken_rule({"highway": "trunk", "sidewalk": "both"}) is None
    True
    """
    for rule in RULES:
        if rule.drops(tags):
            return rule
    return None


def foot_directions(tags: Tags) -> tuple[bool, bool]:
    """Tell in which directions people may walk, along the way as drawn and against it.

    Examples
    --------
    >>> foot_directions({"highway": "residential", "oneway": "yes"})
    (True, True)
    >>> foot_directions({"highway": "footway", "oneway:foot": "-1"})
    (False, True)
    """
    oneway = tags.get("oneway:foot", "no")
    forward = oneway not in {"-1", "reverse"} and tags.get("foot:forward") not in CLOSED
    backward = oneway not in {"yes", "true", "1"} and tags.get("foot:backward") not in CLOSED
    return forward, backward


def bridge_or_tunnel(tags: Tags) -> str:
    """Tell whether the way is a "tunnel" (a passage through a building too), a "bridge" or ""."""
    if tags.get("tunnel", "no") != "no":
        return "tunnel"
    return "bridge" if tags.get("bridge", "no") != "no" else ""


def wheelchair(tags: Tags) -> str | None:
    """Tell what the tags say about wheelchairs: as tagged, "no" on a mountain path, else None.

    >>> wheelchair({"highway": "path", "sac_scale": "hiking"})
    'no'
    """
    if "wheelchair" in tags:
        return tags["wheelchair"]
    return "no" if tags.get("sac_scale", "no") != "no" else None


def node_cuts(tags: Tags) -> bool:
    """Tell whether nobody can walk past this node: a locked or private gate, a wall, a lift.

    Examples
    --------
    >>> node_cuts({"barrier": "gate"}), node_cuts({"barrier": "gate", "access": "private"})
    (False, True)
    >>> node_cuts({"barrier": "gate", "access": "private", "foot": "yes"})
    False
    """
    if tags.get("highway") == "elevator":
        return True
    if "barrier" not in tags or welcomes_walkers(tags):
        return False
    if tags.get("foot") in CLOSED or tags.get("locked") == "yes":
        return True
    if tags["barrier"] in WALLS:
        return tags.get("access") not in WELCOME
    return "foot" not in tags and tags.get("access") in CLOSED


def node_stops_wheelchair(tags: Tags) -> bool:
    """Tell whether a wheelchair cannot get past this node: a stile, a raised kerb.

    >>> node_stops_wheelchair({"barrier": "kerb", "kerb": "raised"})
    True
    """
    if "wheelchair" in tags:
        return tags["wheelchair"] == "no"
    return tags.get("barrier") in STEP_BARRIERS or tags.get("kerb") in {"raised", "yes"}
