"""A city to site shelters in, drawn from a seed: streets, people, candidates, walks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, vstack
from scipy.sparse.csgraph import dijkstra

_BLOCK_M = 70.0
_MISSING = 0.12
"""Share of the streets of the grid that are not there."""
_AT_ONCE = 500


@dataclass(frozen=True)
class SitingCity:
    """Demand points and candidates on a jittered grid of streets."""

    distance_m: csr_array
    """Walks within the radius, shape (points, candidates); a walk of 0 is stored."""
    people: np.ndarray
    existing: np.ndarray
    """Candidates that are there already, ascending."""
    district: np.ndarray
    """Of each point."""
    points_m: np.ndarray
    candidates_m: np.ndarray


def siting_city(
    points: int,
    candidates: int,
    existing: int,
    radius_m: float,
    seed: int = 1,
    districts: int = 16,
) -> SitingCity:
    """Draw a city; people live around 12 centres, with a tail of crowded blocks."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(max(points, candidates) * 1.15)))
    streets, nodes_m = _streets(side, rng)
    people = _people(nodes_m, side * _BLOCK_M, rng)
    at = np.sort(rng.choice(side * side, points, replace=False))
    sites = np.sort(rng.choice(side * side, candidates, replace=False))
    across = max(1, int(np.sqrt(districts)))
    cell = np.clip((nodes_m[at] / (side * _BLOCK_M) * across).astype(int), 0, across - 1)
    return SitingCity(
        distance_m=_walks(streets, at, sites, radius_m),
        people=np.round(people[at] * rng.lognormal(0, 0.6, points) * 40),
        existing=np.sort(rng.choice(candidates, existing, replace=False)),
        district=cell[:, 0] * across + cell[:, 1],
        points_m=nodes_m[at],
        candidates_m=nodes_m[sites],
    )


def _streets(side: int, rng: np.random.Generator) -> tuple[csr_array, np.ndarray]:
    column, row = np.meshgrid(np.arange(side), np.arange(side))
    nodes_m = np.column_stack([column.ravel(), row.ravel()]) * _BLOCK_M
    nodes_m = nodes_m + rng.normal(0, _BLOCK_M * 0.15, nodes_m.shape)
    number = np.arange(side * side).reshape(side, side)
    ends = np.concatenate(
        [
            np.column_stack([number[:, :-1].ravel(), number[:, 1:].ravel()]),
            np.column_stack([number[:-1].ravel(), number[1:].ravel()]),
        ]
    )
    ends = ends[rng.random(len(ends)) > _MISSING]
    straight_m = np.hypot(*(nodes_m[ends[:, 0]] - nodes_m[ends[:, 1]]).T)
    length_m = straight_m * rng.uniform(1, 1.25, len(ends))
    streets = csr_array(
        (
            np.concatenate([length_m, length_m]),
            (np.concatenate([ends[:, 0], ends[:, 1]]), np.concatenate([ends[:, 1], ends[:, 0]])),
        ),
        shape=(side * side, side * side),
    )
    return streets, nodes_m


def _people(nodes_m: np.ndarray, width_m: float, rng: np.random.Generator) -> np.ndarray:
    density = np.full(len(nodes_m), 0.05)
    centres = rng.uniform(0, width_m, (12, 2))
    spreads = rng.uniform(0.05, 0.2, 12) * width_m
    for centre, spread in zip(centres, spreads, strict=True):
        density += np.exp(-((nodes_m - centre) ** 2).sum(axis=1) / (2 * spread**2))
    return density


def _walks(streets: csr_array, at: np.ndarray, sites: np.ndarray, radius_m: float) -> csr_array:
    parts = []
    for first in range(0, len(sites), _AT_ONCE):
        walk = dijkstra(
            streets, directed=False, indices=sites[first : first + _AT_ONCE], limit=radius_m
        )[:, at]
        site, point = np.nonzero(np.isfinite(walk))
        parts.append(csr_array((walk[site, point], (site, point)), shape=walk.shape))
    return csr_array(vstack(parts).T)
