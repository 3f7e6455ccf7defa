"""Who finds room: the cheapest flow beside a general solver and a network simplex."""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx
import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array, vstack
from scipy.spatial import cKDTree

from shelterplan.allocation import assign
from shelterplan.tables import PERSON_UNIT
from tests.benchmarks.measure import Line, medians, once

_SIDE_M = 5000.0
_NEAR = 10
"""Shelters within reach of a point, on average."""


@dataclass(frozen=True)
class Crowd:
    """Half of the people live in clusters; rooms differ."""

    reach: csr_array
    people: np.ndarray
    room: np.ndarray


def crowd(points: int, shelters: int, share: float, seed: int = 3) -> Crowd:
    """Draw a crowd whose shelters have room for a share of it."""
    rng = np.random.default_rng(seed)
    doors = rng.random((shelters, 2)) * _SIDE_M
    centres = rng.random((max(3, shelters // 20), 2)) * _SIDE_M
    near = centres[rng.integers(len(centres), size=points)]
    homes = np.where(
        rng.random((points, 1)) < 0.5,
        rng.random((points, 2)) * _SIDE_M,
        (near + rng.normal(0, 0.05 * _SIDE_M, (points, 2))) % _SIDE_M,
    )
    radius = _SIDE_M * np.sqrt(_NEAR / (np.pi * shelters))
    pairs = cKDTree(homes).sparse_distance_matrix(cKDTree(doors), radius, output_type="ndarray")
    entries = (np.round(pairs["v"], 3), (pairs["i"], pairs["j"]))
    people = rng.integers(1, 40, points).astype(float)
    room = np.floor(rng.dirichlet(np.full(shelters, 2.0)) * people.sum() * share)
    return Crowd(csr_array(coo_array(entries, shape=(points, shelters))), people, room)


def by_highs(world: Crowd) -> tuple[float, float]:
    """Return who is served and the walking by HiGHS, a place being worth more than any chain."""
    pairs = world.reach.tocoo()
    entry = np.arange(pairs.nnz)
    ones = np.ones(pairs.nnz)
    limits = vstack(
        [
            coo_array((ones, (pairs.row, entry)), shape=(len(world.people), pairs.nnz)),
            coo_array((ones, (pairs.col, entry)), shape=(len(world.room), pairs.nnz)),
        ]
    )
    found = linprog(
        pairs.data - _worth(world),
        limits.tocsr(),
        np.concatenate([world.people, world.room]),
        method="highs",
    )
    return float(found.x.sum()), float(found.x @ pairs.data)


def by_simplex(world: Crowd) -> tuple[int, int]:
    """Return the same by networkx, in whole people and millimetres."""
    graph = nx.DiGraph()
    worth = round(_worth(world) * 1000)
    people = world.people.astype(int).tolist()
    graph.add_node("end", demand=sum(people))
    for i, number in enumerate(people):
        graph.add_node(i, demand=-number)
        graph.add_edge(i, "end", weight=worth)
    pairs = world.reach.tocoo()
    for i, j, walk in zip(pairs.row.tolist(), pairs.col.tolist(), pairs.data, strict=True):
        graph.add_edge(i, f"shelter {j}", weight=round(float(walk) * 1000))
    for j, room in enumerate(world.room.astype(int).tolist()):
        graph.add_edge(f"shelter {j}", "end", capacity=room)
    cost, flow = nx.network_simplex(graph)
    nowhere = sum(flow[i].get("end", 0) for i in range(len(people)))
    return sum(people) - nowhere, cost - worth * nowhere


def _worth(world: Crowd) -> float:
    return 2 * (len(world.room) + 2) * (float(world.reach.data.max(initial=0)) + 1)


def room_lines(points: int, times: int) -> list[Line]:
    """Everybody's place, with room for 60, 90 and 110 % of the people."""
    shelters = max(4, points // 400)
    lines = []
    for share in (0.6, 0.9, 1.1):
        world = crowd(points, shelters, share)
        told = assign(world.reach, world.people, world.room)
        assert told.exact
        served, walked = by_highs(world)
        assert abs(told.people.sum() - served) < 1e-3
        assert abs(told.walking_person - walked) < 1e-6 * walked + 1e-3
        small = crowd(max(60, points // 20), max(4, shelters // 20), share)
        least = assign(small.reach, small.people, small.room)
        assert by_simplex(small) == (least.people.sum(), least.walking * PERSON_UNIT)
        ours_s, highs_s = medians(
            lambda world=world: assign(world.reach, world.people, world.room),
            lambda world=world: by_highs(world),
            times=max(1, times // 3),
        )
        small_s = medians(
            lambda small=small: assign(small.reach, small.people, small.room), times=times
        )[0]
        simplex_s = once(lambda small=small: by_simplex(small))
        room = f"room for {share:.0%}"
        lines += [
            Line(
                what=f"places, {points} x {shelters}, {room}",
                ours=ours_s,
                baseline="scipy linprog (HiGHS)",
                theirs=highs_s,
            ),
            Line(
                what=f"places, {len(small.people)} x {len(small.room)}, {room}",
                ours=small_s,
                baseline="networkx network_simplex",
                theirs=simplex_s,
            ),
        ]
    return lines
