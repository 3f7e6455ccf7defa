"""The walks of covered people, made ready to be searched again with streets closed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from shelterplan import access, kernels
from shelterplan.coverage import limit_of
from shelterplan.ends import ends, pairs
from shelterplan.siting import redundancy_kernels
from shelterplan.siting.redundancy_kernels import ENDLESS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.ends import Ends, Pairs
    from shelterplan.network import WalkNetwork
    from shelterplan.pace import Pace
    from shelterplan.situation import Situation
    from shelterplan.snap import Places
    from shelterplan.standards import AccessStandard

    Ints = NDArray[np.int64]
    Rows = NDArray[np.int32]

_SHIFT = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


@dataclass(frozen=True, eq=False, kw_only=True)
class Walks:
    """The tree of nearest shelters within a limit, and the homes that have one."""

    network: WalkNetwork
    by: access.Measure
    limit: int
    """Longest walk, inclusive [mm, or ms where `by` is "s"]; below 0: there are none."""
    street: Rows
    """What each edge is closed with, shape (m,)."""
    street_count: int
    ahead: NDArray[np.uint32]
    """Cost of walking each edge from `edge_u` to `edge_v`, shape (m,)."""
    back: NDArray[np.uint32]
    least: Ints
    """Cost from each node to its nearest shelter; `ENDLESS` beyond the limit, shape (n,)."""
    via: Rows
    """Edge on which that way begins; -1 where it is the shelter's own, shape (n,)."""
    top: Rows
    """Street on which it begins; -1 beyond the limit, shape (n,)."""
    door_ptr: Ints
    """Entrances are grouped by the nodes from which they are reached, shape (n + 1,)."""
    door_street: Rows
    door_owner: Rows
    door_cost: Ints
    owner_count: int
    home: Ints
    """Rows of the homes that have a walk within the limit, ascending, shape (h,)."""
    home_street: Rows
    home_node: NDArray[np.int32]
    """Nodes that each home reaches first, -1 for none, shape (h, 2)."""
    home_cost: NDArray[np.int64]
    pair_ptr: Ints
    """Shelters on the home's own street that are reached straight along it, shape (h + 1,)."""
    pair_owner: Rows
    pair_cost: Ints

    @classmethod
    def of(
        cls, here: Situation, standard: AccessStandard, street: Rows, street_count: int
    ) -> Walks:
        """Return the walks of a situation within a standard."""
        limit = limit_of(here, standard)
        streets = here.open
        return cls.between(
            streets.network,
            streets.homes,
            here.doors,
            access.whole_mm(limit.value) if limit.value >= 0 else -1,
            street=street,
            street_count=street_count,
            pace=streets.pace,
            by=limit.unit,
        )

    @classmethod
    def between(
        cls,
        network: WalkNetwork,
        homes: Places,
        doors: Places,
        limit: int,
        *,
        street: Rows | None = None,
        street_count: int | None = None,
        pace: Pace | None = None,
        by: access.Measure = "m",
    ) -> Walks:
        """Return the walks from homes to the doors of shelters; by default each edge is a street.

        Parameters
        ----------
        network : WalkNetwork
            The open streets.
        homes, doors : Places
            On it; what is nowhere has no walk. The owner of a door is its shelter.
        limit : int
            Longest walk, inclusive [mm, or ms where `by` is "s"].
        street, street_count, pace, by
            See the attributes; see `access.nearest`.
        """
        street = np.arange(len(network.edge_mm), dtype=np.int32) if street is None else street
        cutoff = {f"cutoff_{by}": max(limit, 0) / 1000}
        tree = access.forest(network, doors, pace=pace, by=by, **cutoff)
        seeds = ends(network, doors, "target", pace)
        out = ends(network, homes, "source", pace)
        direct = pairs(network, homes, doors, pace)
        ahead = back = network.edge_mm
        if pace is not None and by == "s":
            ahead, back = pace.forward_ms, pace.backward_ms
        reached = tree.state != kernels.UNREACHED
        least = np.where(reached, (tree.state >> _SHIFT).astype(np.int64), ENDLESS)
        door_street = np.append(street, -1)[doors.edge].astype(np.int32)
        begins = np.append(street, -1)[tree.via].astype(np.int32)
        root = reached & (tree.via < 0)
        begins[root] = door_street[(tree.state[root] & _LOW).astype(np.int64)]
        found = _covered(homes, doors.owner, out, direct, least, limit, by)
        door_ptr, seed = kernels.group(seeds.node, network.node_count)
        place = seeds.place[seed]
        return cls(
            network=network,
            by=by,
            limit=limit,
            street=street,
            street_count=int(street.max(initial=-1)) + 1 if street_count is None else street_count,
            ahead=ahead,
            back=back,
            least=least,
            via=tree.via,
            top=begins,
            door_ptr=door_ptr,
            door_street=door_street[place],
            door_owner=doors.owner[place].astype(np.int32),
            door_cost=_cost(seeds, by)[seed],
            owner_count=int(doors.owner.max(initial=-1)) + 1,
            home_street=street[homes.edge[found["home"]]],
            **found,
        )

    def lost(self, first: int, last: int) -> tuple[Rows, Rows]:
        """Close streets `first` to `last` one by one, and find who then has no walk.

        Returns
        -------
        street, home : arrays of int
            A pair for each home that loses its walk with a street it does not lie on; numbers of
            rows of `home`.
        """
        out, into = self.network.forward_arcs, self.network.reverse_arcs
        found: tuple[Rows, Rows] = redundancy_kernels.lost_walks(
            out.indptr, out.indices, out.edge,
            into.indptr, into.indices, into.edge,
            self.network.edge_u, self.ahead, self.back, self.street, self.least,
            *self._tree, self.door_ptr, self.door_street, self.door_cost,
            *self._ends, self.home_node, self.home_cost, self._direct, self.home_street,
            self.limit, first, last,
        )  # fmt: skip
        return found

    def two(
        self, first: int, last: int, most_searches: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.float64], Ints]:
        """Look for walks to two shelters that share no street but the home's own.

        Parameters
        ----------
        first, last : int
            Numbers of rows of `home`.
        most_searches : int
            After so many searches a home is not settled.

        Returns
        -------
        answer : array of int, shape (k,)
            `ONE_SHELTER`, `SHARED_STREET`, `TWO_WALKS` or `NOT_SETTLED` of the kernels.
        shelter : array of int, shape (k, 2)
            Owners of the doors; -1 for none.
        cost : array of float, shape (k, 2)
            Length or time of the walks [m or s]; `inf` for none.
        searches : array of int, shape (k,)
            How many it took.
        """
        out = self.network.forward_arcs
        answer, shelter, cost, searches = redundancy_kernels.two_walks(
            out.indptr, out.indices, out.edge,
            self.network.edge_u, self.ahead, self.back, self.street, self.street_count, self.least,
            self.door_ptr, self.door_street, self.door_owner, self.door_cost, self.owner_count,
            self.home_node, self.home_cost, self.home_street,
            self.pair_ptr, self.pair_owner, self.pair_cost, self._cut,
            self.limit, most_searches, first, last,
        )  # fmt: skip
        return answer, shelter, np.where(cost < 0, np.inf, cost / 1000), searches

    @cached_property
    def _tree(self) -> tuple[Ints, Ints, Ints, Ints]:
        """The nodes whose way leads over each node next, and those that begin on each street."""
        network = self.network
        below = np.flatnonzero((self.least < ENDLESS) & (self.via >= 0))
        edge = self.via[below]
        above = np.where(network.edge_u[edge] == below, network.edge_v[edge], network.edge_u[edge])
        child_ptr, child = kernels.group(above.astype(np.int32), network.node_count)
        inside = np.flatnonzero(self.top >= 0)
        top_ptr, top = kernels.group(self.top[inside], self.street_count)
        return child_ptr, below[child], top_ptr, inside[top]

    @cached_property
    def _cut(self) -> NDArray[np.bool_]:
        """Whether one street, but its own, is on all walks of a home, shape (h,)."""
        cut = np.zeros(len(self.home), bool)
        cut[self.lost(0, self.street_count)[1]] = True
        return cut

    @cached_property
    def _ends(self) -> tuple[Ints, Ints]:
        """The homes that each node is next to, grouped."""
        side = np.flatnonzero(self.home_node.ravel() >= 0)
        ptr, end = kernels.group(self.home_node.ravel()[side], self.network.node_count)
        return ptr, side[end] // 2

    @cached_property
    def _direct(self) -> Ints:
        """The shortest walk of each home straight along its own street."""
        direct = np.full(len(self.home), ENDLESS)
        row = np.repeat(np.arange(len(direct)), np.diff(self.pair_ptr))
        np.minimum.at(direct, row, self.pair_cost)
        return direct


def _cost(ways: Ends | Pairs, by: access.Measure) -> Ints:
    return ways.mm if by == "m" else ways.ms


def _covered(
    homes: Places,
    owner: NDArray[np.int32],
    out: Ends,
    direct: Pairs,
    least: Ints,
    limit: int,
    by: access.Measure,
) -> dict[str, NDArray[Any]]:
    """Return the homes that have a walk within a limit, in the form of `Walks`."""
    best = np.full(len(homes), ENDLESS)
    np.minimum.at(best, out.place, least[out.node] + _cost(out, by))
    np.minimum.at(best, direct.source, _cost(direct, by))
    node = np.full((len(homes), 2), -1, np.int32)
    cost = np.zeros((len(homes), 2), np.int64)
    side = np.where(out.at_u, 0, 1)
    node[out.place, side], cost[out.place, side] = out.node, _cost(out, by)
    home = np.flatnonzero(best <= limit)
    number = np.full(len(homes), -1, np.int32)
    number[home] = np.arange(len(home))
    rows = np.flatnonzero(number[direct.source] >= 0)
    pair_ptr, pair = kernels.group(number[direct.source[rows]], len(home))
    rows = rows[pair]
    return {
        "home": home,
        "home_node": node[home],
        "home_cost": cost[home],
        "pair_ptr": pair_ptr,
        "pair_owner": owner[direct.target[rows]].astype(np.int32),
        "pair_cost": _cost(direct, by)[rows],
    }
