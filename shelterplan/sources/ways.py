"""Ways and nodes as read, in compact form: what the topology is made of.

A city has a million ways, but only some hundred different sets of tags that matter for walking.
Each set is judged and described once, and a way keeps the number of its set.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from shelterplan.sources import walk_rules
from shelterplan.sources.streets import Bools, Floats, Ints
from shelterplan.sources.walk_rules import Rule, Tags


class About(NamedTuple):
    """What the streets table says about a way, apart from its name and number."""

    street_class: str
    steps: bool
    incline: str | None
    forward: bool
    backward: bool
    bridge_tunnel: str
    wheelchair: str | None


class View(NamedTuple):
    """What the walk rules make of one set of tags."""

    rule: Rule | None
    """The rule that drops such ways; None if people can walk along them."""
    about: About


def view(tags: Tags) -> View:
    """Judge and describe a way by its tags."""
    about = About(
        walk_rules.street_class(tags),
        tags.get("highway") == "steps",
        tags.get("incline"),
        *walk_rules.foot_directions(tags),
        walk_rules.bridge_or_tunnel(tags),
        walk_rules.wheelchair(tags),
    )
    return View(walk_rules.broken_rule(tags), about)


@dataclass(frozen=True)
class Ways:
    """Ways in the order of their ids: `ref[offset[i]:offset[i + 1]]` are the nodes of way i."""

    osm_id: Ints
    offset: Ints
    ref: Ints
    """Node ids of all ways, end to end."""
    kind: Ints
    """Which of `views` holds for each way."""
    name: npt.NDArray[np.object_]
    """Name of each way, or None."""
    views: tuple[View, ...]


@dataclass(frozen=True)
class Nodes:
    """Nodes as read: several entries for one id where the data repeats it."""

    osm_id: Ints
    lon: Floats
    lat: Floats
    cuts: frozenset[int] = field(default_factory=frozenset)
    """Ids of the nodes that nobody can walk past."""
    stops_wheelchair: frozenset[int] = field(default_factory=frozenset)
    """Ids of the nodes that a wheelchair cannot pass."""


class Found(NamedTuple):
    """What is known of the node at each place where a way touches one: arrays of one length."""

    node: Ints
    """Number of the node."""
    lon: Floats
    lat: Floats
    known: Bools
    """Whether the node is in the data."""
    moved: Bools
    """Whether it stands there twice, at different places."""
    cut: Bools
    """Whether nobody can walk past it."""
    stop: Bools
    """Whether a wheelchair cannot pass it."""


@dataclass(frozen=True)
class Course:
    """All ways laid end to end: one entry for each place where a way touches a node."""

    way: Ints
    """Number of the way, ascending."""
    node: Ints
    """Number of the node."""
    lon: Floats
    lat: Floats
    usable: Bools
    """False where the node is missing or its position cannot be used."""
    cut: Bools
    """True where nobody can walk past the node."""
    stop: Bools
    """True where a wheelchair cannot pass the node."""

    def only(self, mask: Bools) -> Course:
        """Keep the marked entries."""
        return Course(*(getattr(self, item.name)[mask] for item in fields(self)))


class WayCollector:
    """Gathers ways one by one.

    Examples
    --------
    >>> collector = WayCollector()
    >>> collector.add(8, [2, 4], {"highway": "path"})
    >>> collector.add(7, [1, 2, 3], {"highway": "path", "name": "Rue Basse"})
    >>> ways = collector.ways()
    >>> ways.osm_id.tolist(), ways.ref.tolist(), len(ways.views)
    ([7, 8], [1, 2, 3, 2, 4], 1)
    """

    def __init__(self) -> None:
        self._osm_id = array("q")
        self._size = array("q")
        self._ref = array("q")
        self._kind = array("q")
        self._name: list[str | None] = []
        self._names: dict[str, str] = {}
        self._number: dict[tuple[str | None, ...], int] = {}
        self._views: list[View] = []

    def add(self, osm_id: int, refs: Iterable[int], tags: Tags) -> None:
        """Add a candidate way.

        Parameters
        ----------
        osm_id
            Its id.
        refs
            The ids of its nodes.
        tags
            Its tags.
        """
        key = tuple(map(tags.get, walk_rules.KEYS))
        number = self._number.get(key)
        if number is None:
            number = self._number[key] = len(self._views)
            self._views.append(view(tags))
        name = tags.get("name")
        before = len(self._ref)
        self._ref.extend(refs)
        self._osm_id.append(osm_id)
        self._size.append(len(self._ref) - before)
        self._kind.append(number)
        self._name.append(None if name is None else self._names.setdefault(name, name))

    def __len__(self) -> int:
        """Return how many places on nodes have been gathered."""
        return len(self._ref)

    @property
    def views(self) -> tuple[View, ...]:
        """What the walk rules make of each set of tags so far."""
        return tuple(self._views)

    def take(self) -> Ways:
        """Give the ways as `ways` does, and begin again; sets of tags keep their numbers."""
        ways = self.ways()
        for values in (self._osm_id, self._size, self._ref, self._kind, self._name):
            del values[:]
        self._names.clear()
        return ways

    def ways(self) -> Ways:
        """Give the ways in the order of their ids, whatever order they came in."""
        osm_id, size, ref, kind = (
            np.array(values, dtype=np.int64)
            for values in (self._osm_id, self._size, self._ref, self._kind)
        )
        order = np.argsort(osm_id, kind="stable")
        start = (np.cumsum(size) - size)[order]
        offset = np.concatenate([[0], np.cumsum(size[order])]).astype(np.int64)
        entry = np.arange(ref.size) + np.repeat(start - offset[:-1], size[order])
        name = np.array([*self._name, None], dtype=np.object_)[:-1][order]
        return Ways(osm_id[order], offset, ref[entry], kind[order], name, tuple(self._views))
