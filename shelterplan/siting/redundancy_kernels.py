"""Searches again with something closed: who loses a walk, and whether two walks share no street."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from shelterplan.kernels.common import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.kernels.common import Bounds, Costs, Keys, Nodes

    Flags = NDArray[np.bool_]
    Marks = NDArray[np.uint8]

ENDLESS = 1 << 40
"""Cost of what cannot be reached [mm or ms]; twice as much does not wrap around."""
NO_WALK, ONE_SHELTER, SHARED_STREET, TWO_WALKS, NOT_SETTLED = range(5)
"""What is found of two walks."""
MOST_CLOSED = 48
"""Streets and shelters that are closed to one of the walks at a time."""
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_SHELTER, _STREET = 0, 1


@compiled
def _push(heap: Keys, size: int, key: np.uint64) -> int:
    """Add a key to a heap that has room, and return its new size."""
    at = size
    while at > 0:
        above = (at - 1) >> 1
        if heap[above] <= key:
            break
        heap[at] = heap[above]
        at = above
    heap[at] = key
    return size + 1


@compiled
def _pop(heap: Keys, size: int) -> int:
    """Take the least key, `heap[0]`, from a heap, and return its new size."""
    size -= 1
    key = heap[size]
    at = 0
    while True:
        below = 2 * at + 1
        if below >= size:
            break
        if below + 1 < size and heap[below + 1] < heap[below]:
            below += 1
        if heap[below] >= key:
            break
        heap[at] = heap[below]
        at = below
    heap[at] = key
    return size


@compiled
def _grown(array: NDArray[Any]) -> NDArray[Any]:
    """Return a copy of twice the size."""
    larger = np.empty(2 * array.shape[0], array.dtype)
    larger[: array.shape[0]] = array
    return larger


@compiled
def lost_walks(  # noqa: C901, PLR0912, PLR0915
    out_ptr: Bounds,
    out_far: Nodes,
    out_edge: Nodes,
    in_ptr: Bounds,
    in_far: Nodes,
    in_edge: Nodes,
    edge_u: Nodes,
    ahead: Costs,
    back: Costs,
    street: Nodes,
    least: Bounds,
    child_ptr: Bounds,
    child: Bounds,
    top_ptr: Bounds,
    top: Bounds,
    door_ptr: Bounds,
    door_street: Nodes,
    door_cost: Bounds,
    end_ptr: Bounds,
    end_home: Bounds,
    home_node: NDArray[np.int32],
    home_cost: NDArray[np.int64],
    home_direct: Bounds,
    home_street: Nodes,
    limit: int,
    first: int,
    last: int,
) -> tuple[Nodes, Nodes]:
    """Find who has no walk within the limit any more when one street is closed.

    Streets `first` to `last` are closed one by one. Arcs lead out of a node (`out_...`) or, against
    walking direction, into it (`in_...`); walking an edge from `edge_u` costs `ahead`, else `back`;
    it is a part of `street`. `least` is the cost from each node to its nearest door with nothing
    closed, `child` the tree of these ways, `top` the nodes whose way begins on each street. Doors
    and ends of places are grouped by node. `home_node` and `home_cost` have two columns, -1 for no
    node; all homes have a walk. Homes on the street itself are left out. Returns pairs: street and
    home.
    """
    n = least.shape[0]
    now = np.empty(n, np.int64)
    mark = np.full(n, -1, np.int64)
    seen = np.full(home_direct.shape[0], -1, np.int64)
    below = np.empty(n, np.int64)
    heap = np.empty(1024, np.uint64)
    pair_street = np.empty(1024, np.int32)
    pair_home = np.empty(1024, np.int32)
    found = 0
    for s in range(first, last):
        n_below = 0
        for i in range(top_ptr[s], top_ptr[s + 1]):
            if mark[top[i]] != s:
                mark[top[i]] = s
                below[n_below] = top[i]
                n_below += 1
        i = 0
        while i < n_below:
            u = below[i]
            i += 1
            for k in range(child_ptr[u], child_ptr[u + 1]):
                if mark[child[k]] != s:
                    mark[child[k]] = s
                    below[n_below] = child[k]
                    n_below += 1
        size = 0
        for i in range(n_below):
            u = below[i]
            best = np.int64(ENDLESS)
            for d in range(door_ptr[u], door_ptr[u + 1]):
                if door_street[d] != s:
                    best = min(best, door_cost[d])
            for a in range(out_ptr[u], out_ptr[u + 1]):
                e = out_edge[a]
                if street[e] != s and mark[out_far[a]] != s:
                    step = np.int64(ahead[e] if edge_u[e] == u else back[e])
                    best = min(best, least[out_far[a]] + step)
            now[u] = ENDLESS
            if best <= limit:
                now[u] = best
                if size == heap.shape[0]:
                    heap = _grown(heap)
                size = _push(heap, size, (np.uint64(best) << _SHIFT) | np.uint64(u))
        while size > 0:
            key = heap[0]
            size = _pop(heap, size)
            u = np.int64(key & _LOW)
            here = np.int64(key >> _SHIFT)
            if here > now[u]:
                continue
            for a in range(in_ptr[u], in_ptr[u + 1]):
                v = in_far[a]
                e = in_edge[a]
                if street[e] == s or mark[v] != s:
                    continue
                there = here + np.int64(ahead[e] if edge_u[e] == v else back[e])
                if there <= limit and there < now[v]:
                    now[v] = there
                    if size == heap.shape[0]:
                        heap = _grown(heap)
                    size = _push(heap, size, (np.uint64(there) << _SHIFT) | np.uint64(v))
        for i in range(n_below):
            for k in range(end_ptr[below[i]], end_ptr[below[i] + 1]):
                h = end_home[k]
                if seen[h] == s or home_street[h] == s:
                    continue
                seen[h] = s
                best = home_direct[h]
                for side in range(2):
                    v = home_node[h, side]
                    if v >= 0:
                        there = now[v] if mark[v] == s else least[v]
                        best = min(best, there + home_cost[h, side])
                if best > limit:
                    if found == pair_street.shape[0]:
                        pair_street = _grown(pair_street)
                        pair_home = _grown(pair_home)
                    pair_street[found] = s
                    pair_home[found] = h
                    found += 1
    return pair_street[:found].copy(), pair_home[:found].copy()


@compiled
def _way_back(
    via: Nodes, before: Nodes, street: Nodes, end: int, end_street: int, own: int, path: Nodes
) -> int:
    """Write the streets of a walk, from its end and without the home's own; -1: too many."""
    count = 0
    if end_street != own:
        path[0] = end_street
        count = 1
    u = end
    while via[u] >= 0:
        if street[via[u]] != own:
            if count == path.shape[0]:
                return -1
            path[count] = street[via[u]]
            count += 1
        u = before[u]
    return count


@compiled
def _walk(  # noqa: C901, PLR0912
    out_ptr: Bounds,
    out_far: Nodes,
    out_edge: Nodes,
    edge_u: Nodes,
    ahead: Costs,
    back: Costs,
    street: Nodes,
    least: Bounds,
    door_ptr: Bounds,
    door_street: Nodes,
    door_owner: Nodes,
    door_cost: Bounds,
    node: Nodes,
    cost: Bounds,
    own: int,
    pair_owner: Nodes,
    pair_cost: Bounds,
    limit: int,
    bit: int,
    shut: Marks,
    barred: Marks,
    reached: Bounds,
    via: Nodes,
    before: Nodes,
    heap: Keys,
    path: Nodes,
) -> tuple[int, int, int, Keys]:
    """Find the shortest walk of one home over streets and to shelters that are not closed to it.

    Returns its cost (`ENDLESS`: none within the limit), the shelter, and how many streets it uses;
    they stand in `path`, without the home's own (-1: they are too many). `reached` is ENDLESS
    everywhere before and after.
    """
    best, owner, end, end_street = ENDLESS, -1, -1, -1
    for i in range(pair_owner.shape[0]):
        if pair_cost[i] < best and pair_cost[i] <= limit and barred[pair_owner[i]] & bit == 0:
            best, owner = int(pair_cost[i]), int(pair_owner[i])
    size, touched = 0, np.empty(64, np.int32)
    n_touched = 0
    for side in range(2):
        v = node[side]
        if v >= 0 and cost[side] + least[v] <= limit and cost[side] < reached[v]:
            touched[n_touched] = v
            n_touched += 1
            reached[v] = cost[side]
            via[v] = -1
            size = _push(heap, size, (np.uint64(cost[side] + least[v]) << _SHIFT) | np.uint64(v))
    while size > 0:
        key = heap[0]
        size = _pop(heap, size)
        u = np.int64(key & _LOW)
        through = np.int64(key >> _SHIFT)
        if through >= best:
            break
        here = reached[u]
        if through > here + least[u]:
            continue
        for d in range(door_ptr[u], door_ptr[u + 1]):
            there = int(here + door_cost[d])
            if (
                there < best
                and there <= limit
                and barred[door_owner[d]] & bit == 0
                and shut[door_street[d]] & bit == 0
            ):
                best, owner, end = there, int(door_owner[d]), int(u)
                end_street = int(door_street[d])
        for a in range(out_ptr[u], out_ptr[u + 1]):
            e, v = out_edge[a], out_far[a]
            if shut[street[e]] & bit != 0:
                continue
            there = int(here + np.int64(ahead[e] if edge_u[e] == u else back[e]))
            if there < reached[v] and there + least[v] <= limit:
                if reached[v] == ENDLESS:
                    if n_touched == touched.shape[0]:
                        touched = _grown(touched)
                    touched[n_touched] = v
                    n_touched += 1
                reached[v] = there
                via[v] = e
                before[v] = u
                if size == heap.shape[0]:
                    heap = _grown(heap)
                size = _push(heap, size, (np.uint64(there + least[v]) << _SHIFT) | np.uint64(v))
    count = _way_back(via, before, street, end, end_street, own, path) if end >= 0 else 0
    for i in range(n_touched):
        reached[touched[i]] = ENDLESS
    return best, owner, count, heap


@compiled
def two_walks(  # noqa: C901, PLR0912, PLR0915
    out_ptr: Bounds,
    out_far: Nodes,
    out_edge: Nodes,
    edge_u: Nodes,
    ahead: Costs,
    back: Costs,
    street: Nodes,
    street_count: int,
    least: Bounds,
    door_ptr: Bounds,
    door_street: Nodes,
    door_owner: Nodes,
    door_cost: Bounds,
    owner_count: int,
    home_node: NDArray[np.int32],
    home_cost: NDArray[np.int64],
    home_street: Nodes,
    pair_ptr: Bounds,
    pair_owner: Nodes,
    pair_cost: Bounds,
    cut: Flags,
    limit: int,
    most_searches: int,
    first: int,
    last: int,
) -> tuple[Marks, NDArray[np.int32], NDArray[np.int64], Bounds]:
    """Find out whether homes have walks to two shelters, each within the limit, on other streets.

    Of homes that are `cut`, it is known that one street is on all their walks. Returns for each
    home what is found (`NO_WALK` ...), two columns of shelters and of costs of the
    walks (-1 where there is none), and how many searches it took.
    """
    homes = last - first
    answer = np.zeros(homes, np.uint8)
    shelter = np.full((homes, 2), -1, np.int32)
    length = np.full((homes, 2), -1, np.int64)
    searches = np.zeros(homes, np.int64)
    n = least.shape[0]
    reached = np.full(n, ENDLESS, np.int64)
    via = np.empty(n, np.int32)
    before = np.empty(n, np.int32)
    heap = np.empty(1024, np.uint64)
    shut = np.zeros(street_count, np.uint8)
    barred = np.zeros(owner_count, np.uint8)
    on_first = np.full(street_count, -1, np.int64)
    stamp = 0
    path = np.empty((MOST_CLOSED + 1, 2, 1024), np.int32)
    count = np.zeros((MOST_CLOSED + 1, 2), np.int64)
    to = np.zeros((MOST_CLOSED + 1, 2), np.int32)
    cost = np.zeros((MOST_CLOSED + 1, 2), np.int64)
    kind = np.zeros(MOST_CLOSED + 1, np.int64)
    what = np.zeros(MOST_CLOSED + 1, np.int64)
    turn = np.zeros(MOST_CLOSED + 1, np.int64)
    for row in range(homes):
        h = first + row
        own = home_street[h]
        pairs = slice(pair_ptr[h], pair_ptr[h + 1])
        depth = -1
        walker, used = 0, 0
        alone = False
        while True:
            best, owner, length_of, heap = _walk(
                out_ptr, out_far, out_edge, edge_u, ahead, back, street, least,
                door_ptr, door_street, door_owner, door_cost,
                home_node[h], home_cost[h], own, pair_owner[pairs], pair_cost[pairs],
                limit, 1 << walker, shut, barred, reached, via, before, heap,
                path[depth + 1, walker],
            )  # fmt: skip
            used += 1
            if depth < 0 and best == ENDLESS:
                answer[row] = NO_WALK
                break
            if best == ENDLESS:
                alone = alone or depth == 0  # where only the nearest shelter was left out
            elif depth == 0 and cut[h]:
                answer[row] = SHARED_STREET
                break
            elif length_of < 0 or depth + 1 == MOST_CLOSED or used >= most_searches:
                answer[row] = NOT_SETTLED
                break
            else:
                other = 1 - walker
                parent = depth
                depth += 1
                count[depth, walker], to[depth, walker] = length_of, owner
                cost[depth, walker] = best
                if parent < 0:  # both walks begin as the same one
                    path[0, 1] = path[0, 0]
                    count[0, 1], to[0, 1], cost[0, 1] = length_of, owner, best
                    shelter[row, 0], length[row, 0] = owner, best
                else:
                    for i in range(count[parent, other]):
                        path[depth, other, i] = path[parent, other, i]
                    count[depth, other], to[depth, other] = count[parent, other], to[parent, other]
                    cost[depth, other] = cost[parent, other]
                kind[depth] = -1
                if to[depth, 0] == to[depth, 1]:
                    kind[depth], what[depth] = _SHELTER, to[depth, 0]
                else:
                    stamp += 1
                    for i in range(count[depth, 0]):
                        on_first[path[depth, 0, i]] = stamp
                    for i in range(count[depth, 1]):
                        if on_first[path[depth, 1, i]] == stamp:
                            kind[depth], what[depth] = _STREET, path[depth, 1, i]
                if kind[depth] < 0:
                    answer[row] = TWO_WALKS
                    for side in range(2):
                        shelter[row, side] = to[depth, side]
                        length[row, side] = cost[depth, side]
                    break
                turn[depth] = 2
            # open what the last search of this depth closed, and close it to the other walk
            while depth >= 0:
                closed = barred if kind[depth] == _SHELTER else shut
                if turn[depth] < 2:
                    closed[what[depth]] &= np.uint8(3 ^ (1 << turn[depth]))
                turn[depth] -= 1
                if turn[depth] < 0 or (depth == 0 and turn[depth] == 0):  # the walks are alike
                    depth -= 1
                    continue
                walker = turn[depth]
                closed[what[depth]] |= np.uint8(1 << walker)
                break
            if depth < 0:
                answer[row] = ONE_SHELTER if alone else SHARED_STREET
                break
        searches[row] = used
        for d in range(depth + 1):
            closed = barred if kind[d] == _SHELTER else shut
            if kind[d] >= 0:
                closed[what[d]] = 0
    return answer, shelter, length, searches


@compiled
def only_links(ptr: Bounds, far: Nodes, arc_edge: Nodes, edge_count: int) -> NDArray[np.bool_]:
    """Find the edges without which a network falls into more parts (Tarjan 1974).

    Every edge must be there as two arcs, one in each direction.
    """
    n = ptr.shape[0] - 1
    only = np.zeros(edge_count, np.bool_)
    order = np.full(n, -1, np.int64)
    low = np.zeros(n, np.int64)
    came_by = np.full(n, -1, np.int64)
    at = ptr[:n].copy()
    stack = np.empty(n, np.int64)
    number = 0
    for root in range(n):
        if order[root] >= 0:
            continue
        order[root] = low[root] = number
        number += 1
        stack[0] = root
        depth = 1
        while depth > 0:
            u = stack[depth - 1]
            if at[u] < ptr[u + 1]:
                v, e = far[at[u]], arc_edge[at[u]]
                at[u] += 1
                if e == came_by[u]:
                    continue
                if order[v] >= 0:
                    low[u] = min(low[u], order[v])
                    continue
                order[v] = low[v] = number
                number += 1
                came_by[v] = e
                stack[depth] = v
                depth += 1
                continue
            depth -= 1
            if depth > 0:
                above = stack[depth - 1]
                low[above] = min(low[above], low[u])
                if low[u] > order[above]:
                    only[came_by[u]] = True
    return only
