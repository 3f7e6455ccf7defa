"""The nearest seed of every node, and the way there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shelterplan.kernels.common import FAR, NEAR, ONE, SHIFT, UNREACHED, advance, compiled

if TYPE_CHECKING:
    from shelterplan.kernels.common import Bounds, Costs, Keys, Nodes


@compiled
def nearest(  # noqa: C901, PLR0912
    indptr: Bounds,
    indices: Nodes,
    cost: Costs,
    seed_node: Nodes,
    seed_cost: Bounds,
    seed_label: Bounds,
    cutoff: int,
    delta: int,
) -> tuple[Keys, Nodes, bool]:
    """Find the nearest seed of every node.

    Returns `state` (cost << 32 | label, or `UNREACHED`), `via` (the arc over which the node was
    reached last, -1 at seeds; of equally good ones that cost anything the first) and `clipped`.
    """
    n = indptr.shape[0] - 1
    state = np.full(n, UNREACHED, np.uint64)
    via = np.full(n, -1, np.int32)
    near = np.empty(n, np.int32)
    far = np.empty(n, np.int32)
    waits = np.zeros(n, np.uint8)
    n_far = 0
    clipped = False
    limit = (np.uint64(cutoff) + ONE) << SHIFT
    step = np.uint64(delta) << SHIFT
    threshold = np.uint64(0)
    for i in range(seed_node.shape[0]):
        v = seed_node[i]
        key = (np.uint64(seed_cost[i]) << SHIFT) | np.uint64(seed_label[i])
        if key >= limit:
            clipped = True
        elif key < state[v]:
            state[v] = key
            if waits[v] == 0:
                waits[v] = FAR
                far[n_far] = v
                n_far += 1
    while n_far > 0:
        n_near, n_far, threshold = advance(state, waits, near, far, n_far, threshold, step)
        while n_near > 0:
            n_near -= 1
            u = near[n_near]
            waits[u] &= FAR
            here = state[u]
            for arc in range(indptr[u], indptr[u + 1]):
                v = indices[arc]
                there = here + (np.uint64(cost[arc]) << SHIFT)
                if there < state[v]:
                    if there >= limit:
                        clipped = True
                        continue
                    state[v] = there
                    via[v] = arc
                    waiting = waits[v]
                    if there < threshold:
                        if waiting & NEAR == 0:
                            waits[v] = waiting | NEAR
                            near[n_near] = v
                            n_near += 1
                    elif waiting & FAR == 0:
                        waits[v] = waiting | FAR
                        far[n_far] = v
                        n_far += 1
                elif (
                    # of equal ways the same one, in whatever order they are found
                    there == state[v]
                    and cost[arc] > 0
                    and via[v] >= 0
                    and (arc < via[v] or cost[via[v]] == 0)
                ):
                    via[v] = arc
    return state, via, clipped


@compiled
def follow(via: Nodes, edge_u: Nodes, edge_v: Nodes, node: int) -> tuple[Nodes, Nodes]:
    """Follow the edges `via` from a node to where they end: the nodes passed, and the edges."""
    count = 0
    u = node
    while via[u] >= 0:
        edge = via[u]
        u = edge_v[edge] if edge_u[edge] == u else edge_u[edge]
        count += 1
    nodes = np.empty(count + 1, np.int32)
    edges = np.empty(count, np.int32)
    u = node
    for i in range(count):
        edge = via[u]
        nodes[i] = u
        edges[i] = edge
        u = edge_v[edge] if edge_u[edge] == u else edge_u[edge]
    nodes[count] = u
    return nodes, edges


@compiled
def along(
    via: Nodes,
    edge_u: Nodes,
    edge_v: Nodes,
    forward: Costs,
    backward: Costs,
    root: Bounds,
) -> Bounds:
    """Add up a second cost along the ways that a search found.

    `via` is the edge on which the way from each node begins (-1 at its end, where the sum is
    `root`), walked at the cost `forward` from `edge_u` to `edge_v`, else `backward`.
    """
    n = via.shape[0]
    total = root.copy()
    done = via < 0
    stack = np.empty(n, np.int32)
    for start in range(n):
        u = np.int32(start)
        depth = 0
        while not done[u]:
            stack[depth] = u
            depth += 1
            edge = via[u]
            u = edge_v[edge] if edge_u[edge] == u else edge_u[edge]
        for i in range(depth - 1, -1, -1):
            node = stack[i]
            edge = via[node]
            if edge_u[edge] == node:
                total[node] = total[edge_v[edge]] + forward[edge]
            else:
                total[node] = total[edge_u[edge]] + backward[edge]
            done[node] = True
    return total
