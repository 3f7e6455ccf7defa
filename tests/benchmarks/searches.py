"""The searches beside scipy, networkx and, where it is installed, pandana."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
from numba import njit
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from shelterplan import WalkNetwork, access, kernels
from tests.benchmarks.city import City
from tests.benchmarks.measure import Line, medians, once

try:
    import pandana
except ImportError:
    pandana = None

NODES_A_SHELTER = 1000
NODES_A_SITE = 15
CUTOFF_M = 1000.0
_TILE_M = 2500.0
_DEGREE_M = 111_000.0


class World:
    """A city as every engine wants it; walks lead TO the shelters, so arcs are turned round."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.network = network_of(city)
        self.nodes = np.arange(self.network.node_count)
        rng = np.random.default_rng(1)
        count = self.network.node_count
        self.shelters = rng.choice(count, max(2, count // NODES_A_SHELTER), replace=False)
        self.sites = rng.choice(count, max(2, count // NODES_A_SITE), replace=False)
        self.homes = rng.choice(count, 200)
        arcs = self.network.reverse_arcs
        self.float_arcs = csr_array(
            (city.length_m[arcs.edge], arcs.indices, arcs.indptr.astype(np.int32)),
            shape=(count, count),
        )
        self.graph = nx.DiGraph()
        tail = np.repeat(self.nodes, np.diff(arcs.indptr))
        self.graph.add_weighted_edges_from(
            zip(tail.tolist(), arcs.indices.tolist(), self.float_arcs.data.tolist(), strict=True)
        )

    def seeds(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the shelters in the form of the kernels."""
        count = len(self.shelters)
        return self.shelters.astype(np.int32), np.zeros(count, np.int64), np.arange(count)


def network_of(city: City) -> WalkNetwork:
    """Return a city without its geometry."""
    both = WalkNetwork.from_edges(city.u, city.v, city.length_m, node_count=len(city.lon))
    return WalkNetwork(
        node_count=both.node_count,
        edge_u=both.edge_u,
        edge_v=both.edge_v,
        edge_mm=both.edge_mm,
        forward=city.forward,
        backward=city.backward,
    )


@njit(cache=True)
def sweep(indptr, indices, cost, state):
    """Relax every arc once: what reading the arcs and the states costs at the least."""
    changed = 0
    for u in range(indptr.shape[0] - 1):
        here = state[u]
        if here == kernels.UNREACHED:
            continue
        for arc in range(indptr[u], indptr[u + 1]):
            there = here + (np.uint64(cost[arc]) << np.uint64(32))
            if there < state[indices[arc]]:
                state[indices[arc]] = there
                changed += 1
    return changed


def nearest_lines(world: World, times: int) -> list[Line]:
    """The nearest shelter of every node."""
    network, arcs, delta = world.network, world.network.reverse_arcs, world.network.delta
    forest = access.forest(network, world.shelters)
    agrees(world, forest)
    assert sweep(arcs.indptr, arcs.indices, arcs.mm, forest.state) == 0

    def ours() -> access.Forest:
        return access.forest(network, world.shelters)

    def with_hops() -> np.ndarray:
        return access.forest(network, world.shelters).via

    def five() -> np.ndarray:
        return kernels.k_nearest(
            arcs.indptr, arcs.indices, arcs.mm, *world.seeds(), 5, kernels.MAX_COST, delta
        )[0]

    once_s, hops_s, five_s, sweep_s, scipy_s = medians(
        ours,
        with_hops,
        five,
        lambda: sweep(arcs.indptr, arcs.indices, arcs.mm, forest.state),
        lambda: dijkstra(world.float_arcs, indices=world.shelters, min_only=True),
        times=times,
    )
    ranked_s = medians(
        lambda: access.k_nearest(network, world.nodes, world.shelters, 5), times=max(1, times // 3)
    )[0]
    networkx_s = once(
        lambda: nx.multi_source_dijkstra_path_length(world.graph, set(world.shelters.tolist()))
    )
    what = "nearest shelter of every node"
    return [
        Line(what=what, ours=once_s, baseline="scipy dijkstra(min_only)", theirs=scipy_s, bar=3),
        Line(what=what, ours=once_s, baseline="networkx multi_source", theirs=networkx_s, bar=60),
        Line(
            what=what,
            ours=once_s,
            baseline="one sweep over all arcs",
            theirs=sweep_s,
            bar=6,
            sense="cost",
        ),
        Line(
            what="... with the edge to take next",
            ours=hops_s,
            baseline="nearest",
            theirs=once_s,
            bar=1.6,
            sense="cost",
        ),
        Line(
            what="5 nearest of every node, search",
            ours=five_s,
            baseline="nearest",
            theirs=once_s,
            bar=15,
            sense="cost",
        ),
        Line(
            what="5 nearest of every node, as a table",
            ours=ranked_s,
            baseline="nearest",
            theirs=once_s,
            sense="cost",
        ),
    ]


def agrees(world: World, forest: access.Forest) -> None:
    """Check every distance against float64, to half a millimetre for each arc of the way."""
    exact = dijkstra(world.float_arcs, indices=world.shelters, min_only=True)
    reached = np.isfinite(exact)
    assert np.array_equal(reached, np.isfinite(forest.distance_m))
    off_m = np.abs(exact[reached] - forest.distance_m[reached])
    assert (off_m <= 0.0005 * hops(forest)[reached] + 1e-6).all()


def hops(forest: access.Forest) -> np.ndarray:
    """Return the number of arcs from each node to its shelter."""
    network, via = forest.network, forest.via
    edge = np.where(via < 0, 0, via)
    node = np.arange(len(via))
    ahead = np.where(via < 0, node, network.edge_u[edge] + network.edge_v[edge] - node)
    count = (via >= 0).astype(np.int64)
    while (count[ahead] > 0).any():  # pointer jumping
        count, ahead = count + count[ahead], ahead[ahead]
    return count


def tiled(world: World) -> csr_array:
    """Return the catchments by scipy: each tile of sites with a halo as wide as the cutoff."""
    city = world.city
    x = city.lon * _DEGREE_M * np.cos(np.radians(city.lat.mean()))
    y = city.lat * _DEGREE_M
    tile = np.column_stack([x // _TILE_M, y // _TILE_M]).astype(np.int64)
    rows, columns, metres = [], [], []
    frame = pd.DataFrame({"x": tile[world.sites, 0], "y": tile[world.sites, 1]})
    for (i, j), sites in frame.groupby(["x", "y"]).groups.items():
        halo = np.flatnonzero(
            (x >= i * _TILE_M - 1.02 * CUTOFF_M)
            & (x <= (i + 1) * _TILE_M + 1.02 * CUTOFF_M)
            & (y >= j * _TILE_M - 1.02 * CUTOFF_M)
            & (y <= (j + 1) * _TILE_M + 1.02 * CUTOFF_M)
        )
        part = world.float_arcs[halo][:, halo]
        seeds = np.searchsorted(halo, world.sites[sites])
        far = dijkstra(part, indices=seeds, limit=CUTOFF_M)
        found = np.nonzero(np.isfinite(far))
        rows.append(halo[found[1]])
        columns.append(np.asarray(sites)[found[0]])
        metres.append(far[found])
    return csr_array(
        (np.concatenate(metres), (np.concatenate(rows), np.concatenate(columns))),
        shape=(len(world.nodes), len(world.sites)),
    )


def catchment_lines(world: World, times: int) -> list[Line]:
    """All nodes within a kilometre of each site."""

    def ours() -> csr_array:
        return access.catchments(world.network, world.nodes, world.sites, cutoff_m=CUTOFF_M)

    found, exact = ours(), tiled(world)
    gap = abs(found - exact)
    near_limit = gap.data > 1.0  # within the cutoff for one of the two only
    assert np.abs(gap.data[near_limit] - CUTOFF_M).max(initial=0) < 0.1
    assert gap.data[~near_limit].max(initial=0) < 0.1
    sample = np.random.default_rng(2).choice(world.sites, min(300, len(world.sites)), replace=False)

    def by_networkx() -> None:
        for site in sample.tolist():
            nx.single_source_dijkstra_path_length(world.graph, site, CUTOFF_M)

    ours_s, scipy_s, sampled_s = medians(
        ours, lambda: tiled(world), by_networkx, times=max(1, times // 2)
    )
    networkx_s = sampled_s * len(world.sites) / len(sample)
    what = f"catchments of {len(world.sites)} sites, 1 km"
    note = f"{found.nnz} entries"
    return [
        Line(
            what=what,
            ours=ours_s,
            baseline="scipy dijkstra(limit) on tiles",
            theirs=scipy_s,
            bar=3,
            note=note,
        ),
        Line(
            what=what,
            ours=ours_s,
            baseline="networkx with cutoff, sampled",
            theirs=networkx_s,
            bar=15,
            note=f"{len(sample)} sites, scaled",
        ),
    ]


def route_lines(world: World, times: int) -> list[Line]:
    """The way from homes to one shelter across the city, and to the nearest one."""
    one = int(world.shelters[0])
    across = access.forest(world.network, one)
    near = access.forest(world.network, world.shelters)
    lines = []
    for what, forest, homes, bar in (
        ("one route across the city", across, world.homes[:20], 100),
        ("one route to the nearest shelter", near, world.homes, None),
    ):
        ends = [
            (int(home), int(np.atleast_1d(forest.targets)[forest.target[home]]))
            for home in homes
            if np.isfinite(forest.distance_m[home])
        ]
        for home, shelter in ends[:5]:
            metres, _ = nx.bidirectional_dijkstra(world.graph, shelter, home)
            way = forest.route(home)
            assert abs(metres - way.distance_m) <= 0.0005 * len(way.pieces) + 1e-6
        ours_s, networkx_s = medians(
            lambda forest=forest, ends=ends: [forest.route(home) for home, _ in ends],
            lambda ends=ends: [nx.bidirectional_dijkstra(world.graph, b, a) for a, b in ends],
            times=max(1, times // 3),
        )
        lines.append(
            Line(
                what=what,
                ours=ours_s / len(ends),
                baseline="networkx bidirectional",
                theirs=networkx_s / len(ends),
                bar=bar,
            )
        )
    return lines


def pandana_lines(world: World, times: int) -> list[Line]:
    """The nearest shelter by pandana, which snaps to nodes and walks one way for all."""
    if pandana is None:
        return []
    city = world.city
    peer = pandana.Network(
        pd.Series(city.lon),
        pd.Series(city.lat),
        pd.Series(city.u),
        pd.Series(city.v),
        pd.DataFrame({"m": city.length_m}),
        twoway=True,
    )
    reach_m = 30_000.0

    def theirs() -> pd.DataFrame:
        peer.set_pois("shelters", reach_m, 1, city.lon[world.shelters], city.lat[world.shelters])
        return peer.nearest_pois(reach_m, "shelters", num_pois=1)

    ours_s, theirs_s = medians(
        lambda: access.forest(world.network, world.shelters), theirs, times=max(1, times // 3)
    )
    return [
        Line(what="nearest shelter of every node", ours=ours_s, baseline="pandana", theirs=theirs_s)
    ]
