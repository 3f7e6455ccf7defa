"""How walks leave and reach places: both directions along the edge that a place lies on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from shelterplan.errors import NetworkError
from shelterplan.snap import Places

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from shelterplan.network import WalkNetwork
    from shelterplan.pace import Pace

Anywhere = Places | np.ndarray
"""Places on edges, or whole node numbers."""
_BEYOND = 2**31
"""No search goes this far [mm, ms]; longer ways are cut to it, so that sums cannot wrap around."""


@dataclass(frozen=True, eq=False)
class Ends:
    """One row for each way between a place and a node of the network."""

    place: NDArray[np.int64]
    """Row of the place."""
    node: NDArray[np.int32]
    """Node that the way leads to, or comes from."""
    mm: NDArray[np.int64]
    """Length of the way, the leg off the street included [mm]."""
    ms: NDArray[np.int64]
    """Time of the way, if a pace was given, else zeros [ms]."""
    at_u: NDArray[np.bool_]
    """Whether the node is met at the beginning of the place's edge, not at its end."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Direct ways between a source and a target on the same edge, one row each."""

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    mm: NDArray[np.int64]
    """Length, both legs included [mm]."""
    ms: NDArray[np.int64]
    """Time, if a pace was given, else zeros [ms]."""


def as_places(network: WalkNetwork, given: ArrayLike | Places) -> Anywhere:
    """Return places unchanged and node numbers as an array that was checked.

    Raises
    ------
    NetworkError
        If a node or an edge is not in the network.
    """
    if isinstance(given, Places):
        if len(given) and int(given.edge.max()) >= len(network.edge_mm):
            message = "these places were snapped to another network"
            raise NetworkError(message)
        return given
    nodes = np.atleast_1d(np.asarray(given))
    if nodes.size and not np.issubdtype(nodes.dtype, np.integer):
        message = f"node numbers must be whole, got {nodes.dtype}"
        raise NetworkError(message)
    bad = np.flatnonzero((nodes < 0) | (nodes >= network.node_count))
    if len(bad):
        message = f"rows {bad[:5].tolist()}: no such node (0 to {network.node_count - 1})"
        raise NetworkError(message)
    return nodes.astype(np.int32)


def owners(places: Anywhere) -> NDArray[np.int32]:
    """Return the number of the target that each row belongs to."""
    return places.owner if isinstance(places, Places) else np.arange(len(places), dtype=np.int32)


def legs_mm(places: Anywhere) -> NDArray[np.int64]:
    """Return the leg of each place; 0 for nodes [mm]."""
    return places.leg_mm if isinstance(places, Places) else np.zeros(len(places), np.int64)


def ends(
    network: WalkNetwork,
    places: Anywhere,
    role: Literal["source", "target"],
    pace: Pace | None = None,
) -> Ends:
    """Return the ways from sources to nodes, or from nodes to targets."""
    if not isinstance(places, Places):
        count = len(places)
        return Ends(
            place=np.arange(count),
            node=places,
            mm=np.zeros(count, np.int64),
            ms=np.zeros(count, np.int64),
            at_u=np.ones(count, bool),
        )
    row = np.flatnonzero(places.snapped)
    edge = places.edge[row]
    offset, leg = places.offset_mm[row], places.leg_mm[row]
    whole = network.edge_mm[edge].astype(np.int64)
    at_u, at_v = network.forward[edge], network.backward[edge]
    if role == "source":  # one who may walk backward can leave at u
        at_u, at_v = at_v, at_u
    mm = np.concatenate([(offset + leg)[at_u], (whole - offset + leg)[at_v]])
    from_u = np.arange(len(mm)) < np.count_nonzero(at_u)
    ms = np.zeros(len(mm), np.int64)
    if pace is not None:
        share = np.concatenate([offset[at_u], (whole - offset)[at_v]])
        share = share / np.maximum(np.concatenate([whole[at_u], whole[at_v]]), 1)
        ahead = from_u == (role == "target")
        ms = pace.part_ms(np.concatenate([edge[at_u], edge[at_v]]), share, ahead=ahead)
        ms += pace.leg_ms(np.concatenate([leg[at_u], leg[at_v]]))
    return Ends(
        place=np.concatenate([row[at_u], row[at_v]]),
        node=np.concatenate([network.edge_u[edge][at_u], network.edge_v[edge][at_v]]),
        mm=np.minimum(mm, _BEYOND),
        ms=np.minimum(ms, _BEYOND),
        at_u=from_u,
    )


def pairs(
    network: WalkNetwork, sources: Anywhere, targets: Anywhere, pace: Pace | None = None
) -> Pairs:
    """Return the direct ways along edges that hold a source and a target."""
    none = np.zeros(0, np.int64)
    if not (isinstance(sources, Places) and isinstance(targets, Places)):
        return Pairs(source=none, target=none, mm=none, ms=none)
    here = np.flatnonzero(targets.snapped)
    here = here[np.argsort(targets.edge[here], kind="stable")]
    target_edge = targets.edge[here]
    row = np.flatnonzero(sources.snapped)
    first = np.searchsorted(target_edge, sources.edge[row], "left")
    count = np.searchsorted(target_edge, sources.edge[row], "right") - first
    source = np.repeat(row, count)
    start = np.repeat(first - (np.cumsum(count) - count), count)
    target = here[start + np.arange(len(source))]
    ahead = targets.offset_mm[target] - sources.offset_mm[source]
    edge = sources.edge[source]
    allowed = (
        (ahead == 0)
        | ((ahead > 0) & network.forward[edge])
        | ((ahead < 0) & network.backward[edge])
    )
    source, target, ahead, edge = source[allowed], target[allowed], ahead[allowed], edge[allowed]
    legs = sources.leg_mm[source] + targets.leg_mm[target]
    mm, ms = np.abs(ahead) + legs, np.zeros(len(legs), np.int64)
    if pace is not None:
        share = np.abs(ahead) / np.maximum(network.edge_mm[edge], 1)
        ms = pace.part_ms(edge, share, ahead=ahead > 0)
        ms += pace.leg_ms(sources.leg_mm[source]) + pace.leg_ms(targets.leg_mm[target])
    return Pairs(
        source=source, target=target, mm=np.minimum(mm, _BEYOND), ms=np.minimum(ms, _BEYOND)
    )
