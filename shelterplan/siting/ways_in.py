"""Ways into a site: whether it can still be reached when any one street is cut."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.network import WalkNetwork
    from shelterplan.snap import Places

_ANYWHERE = -1
"""Part of a foot to which two ways lead."""
_MARKS = 20_240_229
"""Seed of the marks by which bridges are found."""


def ways_in(
    network: WalkNetwork, places: Places, count: int, *, rest_m: float
) -> NDArray[np.int64]:
    """Count the ways into sites that share no street, up to two.

    A site has two ways in if, whichever street is cut, it stays connected with at least `rest_m` of
    streets: then people can still come. One on a dead end has one, however many gates it has there.
    Direction does not matter. A part of the network shorter than twice `rest_m` counts as one dead
    end.

    Parameters
    ----------
    network : WalkNetwork
        The streets that are open.
    places : Places
        Entrances of the sites; their owner is the number of the site.
    count : int
        Number of sites.
    rest_m : float
        Length of streets with which a site must stay connected, inclusive [m].

    Returns
    -------
    array of int, shape (count,)
        0 (no entrance on the network), 1 or 2.

    Notes
    -----
    The streets that cut something off are the bridges of the graph (Tarjan 1974, Information
    Processing Letters 2 (6): A note on finding the bridges of a graph). They are found by marks as
    in the cycle space method of Pritchard and Thurimella (2011, ACM Transactions on Algorithms 7
    (4)): every street outside a spanning tree gets a random mark of 64 bits, and a street of the
    tree is a bridge if the marks of all streets that pass over it cancel out. Another street looks
    like a bridge with a probability of 2^-64.
    """
    ways = np.zeros(count, np.int64)
    rows = np.flatnonzero(places.snapped)
    if not len(rows):
        return ways
    part = _parts_of(_dead_ends(network, rest_m * 1000), network, places.take(rows), rest_m * 1000)
    owner = places.owner[rows].astype(np.int64)
    pairs = np.unique(np.stack([owner, part]), axis=1)
    ways = np.minimum(np.bincount(pairs[0], minlength=count), 2)
    ways[owner[part == _ANYWHERE]] = 2
    return ways.astype(np.int64)


@dataclass(frozen=True, eq=False)
class _DeadEnds:
    """The network without the streets on which its dead ends hang."""

    part: NDArray[np.int64]
    """Number of the part of each node, shape (n,)."""
    part_mm: NDArray[np.float64]
    """Length of the streets of each part, shape (parts,) [mm]."""
    core: NDArray[np.bool_]
    """Nodes that no cut separates from all but a short rest, shape (n,)."""
    neck: NDArray[np.bool_]
    """Streets on which dead ends hang, shape (m,)."""


def _parts_of(
    ends: _DeadEnds, network: WalkNetwork, feet: Places, rest_mm: float
) -> NDArray[np.int64]:
    """Return in which dead end each foot lies, `_ANYWHERE` if in none."""
    u, v = network.edge_u[feet.edge], network.edge_v[feet.edge]
    length = network.edge_mm[feet.edge].astype(np.int64)
    at_u, at_v = feet.offset_mm <= 0, feet.offset_mm >= length
    within = ~ends.neck[feet.edge]
    node = np.where(at_v & ~at_u, v, u)
    part = np.where(ends.core[node], _ANYWHERE, ends.part[node])
    between = ~within & ~at_u & ~at_v
    left_u = np.where(ends.core[u], np.inf, ends.part_mm[ends.part[u]] + feet.offset_mm)
    left_v = np.where(ends.core[v], np.inf, ends.part_mm[ends.part[v]] + length - feet.offset_mm)
    aside = np.select(
        [left_u < rest_mm, left_v < rest_mm], [ends.part[u], ends.part[v]], default=_ANYWHERE
    )
    return np.where(between, aside, part).astype(np.int64)


def _dead_ends(network: WalkNetwork, rest_mm: float) -> _DeadEnds:
    """Find the parts of a network that one cut separates, and that are shorter than the rest."""
    tree = _Tree.of(network)
    bridge, below_mm = _bridges(network, tree)
    whole_mm = below_mm[tree.root]
    edge_mm = np.append(network.edge_mm.astype(np.float64), 0.0)[tree.edge]
    above_mm = whole_mm - below_mm - edge_mm
    large = whole_mm >= 2 * rest_mm
    small_below = bridge & large & (below_mm < rest_mm)
    small_above = bridge & large & (above_mm < rest_mm)
    apart = np.zeros(len(below_mm), bool)
    apart[tree.root[small_below & small_above]] = True  # two hamlets on one long street
    apart = apart[tree.root]
    core = _core(tree, small_below, small_above) & large & ~apart
    core = core[: network.node_count]
    neck = core[network.edge_u] != core[network.edge_v]
    neck[tree.edge[small_below & small_above]] = True
    keep = ~neck
    shape = (network.node_count, network.node_count)
    u, v = network.edge_u, network.edge_v
    links = coo_array((np.ones(int(keep.sum()), bool), (u[keep], v[keep])), shape=shape)
    count, part = connected_components(links, directed=False)
    weights = network.edge_mm[keep].astype(np.float64)
    part_mm = np.asarray(np.bincount(part[u[keep]], weights=weights, minlength=count), float)
    return _DeadEnds(part.astype(np.int64), part_mm, core, neck)


class _Tree(NamedTuple):
    """A spanning tree of each part of the network, hung on one node more (the last) as its root."""

    levels: list[NDArray[np.int64]]
    """Nodes by their depth, without the last node."""
    parent: NDArray[np.int64]
    """Node above each, shape (n + 1,)."""
    edge: NDArray[np.int64]
    """Street to the node above, shape (n + 1,); -1 for the roots of parts."""
    root: NDArray[np.int64]
    """Root of the part that each node lies in, shape (n + 1,)."""

    @classmethod
    def of(cls, network: WalkNetwork) -> _Tree:
        """Return breadth-first trees."""
        count, u, v = network.node_count, network.edge_u, network.edge_v
        _, first, label = np.unique(network.node_component, return_index=True, return_inverse=True)
        begin = np.concatenate([u, np.full(len(first), count)])
        end = np.concatenate([v, first])
        links = coo_array((np.ones(len(begin), bool), (begin, end)), shape=(count + 1, count + 1))
        order, above = breadth_first_order(links.tocsr(), count, directed=False)
        parent = above.astype(np.int64)
        parent[count] = count
        edge = np.full(count + 1, -1, np.int64)
        child = np.where(parent[u] == v, u, np.where(parent[v] == u, v, -1))
        nodes, rows = np.unique(child, return_index=True)
        edge[nodes[nodes >= 0]] = rows[nodes >= 0]
        return cls(_levels(order, parent), parent, edge, np.append(first[label], count))


def _levels(order: NDArray[np.integer[Any]], parent: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the nodes of a breadth-first order by depth, without the first."""
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    above = place[parent[order]]
    bounds = [0, 1]
    while bounds[-1] < len(order):
        bounds.append(int(np.searchsorted(above, bounds[-1], "left")))
    spans = pairwise(bounds[1:])
    return [order[first:last].astype(np.int64) for first, last in spans]


def _bridges(network: WalkNetwork, tree: _Tree) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return whether the street above each node is a bridge, and the streets below it [mm]."""
    size = len(tree.parent)
    in_tree = np.zeros(len(network.edge_mm), bool)
    in_tree[tree.edge[tree.edge >= 0]] = True
    u, v = network.edge_u[~in_tree], network.edge_v[~in_tree]
    drawn = np.random.default_rng(_MARKS).integers(1, 2**63, len(u), dtype=np.int64)
    mark = np.zeros(size, np.int64)
    np.bitwise_xor.at(mark, u, drawn)
    np.bitwise_xor.at(mark, v, drawn)
    length = network.edge_mm.astype(np.float64)
    below = np.asarray(np.bincount(u, weights=length[~in_tree], minlength=size), float)
    up_mm = np.append(length, 0.0)[tree.edge]
    for nodes in reversed(tree.levels):
        np.bitwise_xor.at(mark, tree.parent[nodes], mark[nodes])
        np.add.at(below, tree.parent[nodes], below[nodes] + up_mm[nodes])
    return (mark == 0) & (tree.edge >= 0), below


def _core(
    tree: _Tree, small_below: NDArray[np.bool_], small_above: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return the nodes that no bridge separates from all but a short rest, shape (n + 1,).

    Bridges with a short rest above them lie on one way down from the root: the core begins below
    the last of them, and ends above those with a short rest below.
    """
    top = np.arange(len(tree.parent))
    for nodes in tree.levels:
        hit = nodes[small_above[nodes]]
        top[tree.root[hit]] = hit
    begins = np.zeros(len(top), bool)
    begins[top[tree.root]] = True
    core = np.zeros(len(top), bool)
    for nodes in tree.levels:
        core[nodes] = begins[nodes] | (core[tree.parent[nodes]] & ~small_below[nodes])
    return core
