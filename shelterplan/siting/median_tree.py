"""The best plan of a p-median: a good plan, a bound, and what is between them searched through.

At the root, plan and bound help each other: the sites that the bound's steps opened most often
start an interchange, its plan sets the length of the steps. Reduced costs then settle most sites.
What is left is split at the site that is in doubt, the node with the lowest bound first (Lagrangian
branch and bound: strong where few sites open), or given to HiGHS (strong where each point has few
sites left: many open).
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from shelterplan.siting.median_bound import FREE, OPEN, SHUT, Bound, bound, settled
from shelterplan.siting.median_lists import Lists, narrowed
from shelterplan.siting.median_mip import solve_rest
from shelterplan.siting.median_search import MOVES, Limits, greedy, interchange, shaken

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.median_lists import Floats, Ints
    from shelterplan.siting.watch import Watch

    Plan = NDArray[np.bool_]
    States = NDArray[np.int8]

_SHAKES = 12
_ROUNDS = 6
"""How often plan and bound may better each other at the root."""
_NODES_FIRST = 300
"""Nodes before HiGHS is tried."""
_ENTRIES = 60_000
"""Longest lists, together, that HiGHS is given."""
_WAITING = 4_000
"""Nodes that wait at a time; beyond it, the newest come first."""
_SPARE = 8
"""How far from where they start a node's prices may go: see `bound`."""
_NEAR = 1e-7
"""A plan of other than whole costs that is better by no more than this share is not searched."""


class Found(NamedTuple):
    """The best plan found, and its proof."""

    plan: Plan
    """Open sites, shape (sites,)."""
    paid: float
    lower: float
    """No plan pays less."""
    nodes: int


class _Node(NamedTuple):
    lower: float
    number: int
    state: States
    price: NDArray[np.float32]
    branch: int


class Search:
    """A search for the best plan.

    Parameters
    ----------
    lists, limits : Lists, Limits
        The problem.
    unit : float
        What all costs are whole multiples of; 0: nothing.
    watch : Watch
        Its clock.
    start : array of int, optional
        Sites of a plan that is known already.
    """

    def __init__(
        self, lists: Lists, limits: Limits, unit: float, watch: Watch, start: Ints | None = None
    ) -> None:
        self.lists, self.limits, self.unit, self.watch = lists, limits, unit, watch
        self.plan = np.zeros(lists.sites, bool)
        self.paid = float(lists.base.sum())
        self.lower = 0.0
        self.nodes = 0
        self._opened = np.zeros(0, np.int64)
        if start is not None:
            self.offer(lists, limits, np.arange(lists.sites), start)

    @property
    def target(self) -> float:
        """How much less a better plan must pay."""
        return self.unit * (1 - 1e-6) if self.unit else _NEAR * self.paid

    def proven(self) -> bool:
        """Whether no plan is better."""
        return self.lower > self.paid - self.target or self.paid <= 0

    def run(self) -> Found:
        """Search until the plan is proven or the time is up."""
        if not self.limits.most:
            self.lower = self.paid
        elif not self.proven():
            self._first()
            self._root()
        lower = self.paid if self.proven() else min(self.lower, self.paid)
        return Found(self.plan, self.paid, lower, self.nodes)

    def offer(self, lists: Lists, limits: Limits, number: Ints, start: Ints) -> Ints:
        """Better a plan by interchange and keep it if it is the best; return its sites.

        `number` says which sites those of `lists` are; what is open in no list is open already.
        """
        slots = _within(limits, start)
        while True:
            paid, slots, moves = interchange(lists, limits, slots, MOVES)
            if moves < MOVES or self.watch.over:
                break
        if paid < self.paid:
            self.paid = float(paid)
            self.plan = np.zeros(self.lists.sites, bool)
            self.plan[number[slots[slots >= 0]]] = True
            self.plan[self._opened] = True
        return slots

    def _first(self) -> None:
        self.watch.tell("first plans")
        lists, limits = self.lists, self.limits
        number = np.arange(lists.sites)
        slots = self.offer(lists, limits, number, greedy(lists, limits))
        for seed in range(_SHAKES):
            if self.watch.over:
                return
            before = self.paid
            tried = shaken(slots, limits, max(2, limits.most // 10), seed)
            tried = self.offer(lists, limits, number, tried)
            slots = tried if self.paid < before else slots

    def _root(self) -> None:
        state = np.zeros(self.lists.sites, np.int8)
        price = self._middle()
        step = 1.5
        number = np.arange(self.lists.sites)
        for _ in range(_ROUNDS):
            before = self.paid
            found = self._bettered(state, price, step)
            self.lower = max(self.lower, found.lower)
            if self.proven() or self.watch.over:
                return
            self.offer(self.lists, self.limits, number, np.argsort(-found.often, kind="stable"))
            if self.proven():
                return
            if self.paid >= before:
                break
            price, step = found.price, 0.5
        self._rest(found._replace(upper=self.paid), state)

    def _middle(self) -> Floats:
        """Start prices between what each point pays and what it would pay at the next site."""
        near = np.full(len(self.lists.base), np.inf)
        next_ = near.copy()
        row = np.repeat(np.arange(len(near)), np.diff(self.lists.ptr))
        at = np.flatnonzero(self.plan[self.lists.site])
        row, cost = row[at], self.lists.cost[at]
        first = np.ones(len(row), bool)
        first[1:] = row[1:] != row[:-1]
        near[row[first]] = cost[first]
        second = np.append(False, first[:-1] & ~first[1:])
        next_[row[second]] = cost[second]
        near = np.minimum(near, self.lists.base)
        usual = float(np.max(near, initial=0.0))
        price: Floats = np.minimum(np.minimum(near + next_, near + usual) / 2, self.lists.base)
        return price

    def _bettered(self, state: States, price: Floats, step: float) -> Bound:
        """Better the bound of the root until steps are short, looking at the clock."""
        steps = int(np.clip(100_000_000 // max(1, len(self.lists.cost)), 40, 2000))
        while True:
            found = bound(
                self.lists, self.limits, state, price, self.paid, step, steps, self.target,
                20, 1e-3, 0.7, self.lists.sites,
            )  # fmt: skip
            self._keep(found, np.arange(self.lists.sites), self.lists)
            self.lower = max(self.lower, found.lower)
            self.watch.tell(f"bound {self.lower:.6g}, best plan {self.paid:.6g}")
            if found.ended or self.watch.over:
                return Bound(*found)
            price, step = found.price, found.step

    def _keep(self, found: Bound, number: Ints, lists: Lists) -> None:
        if found.upper < self.paid:
            self.offer(lists, self._left(number), number, np.flatnonzero(found.plan))

    def _left(self, number: Ints) -> Limits:
        price = self.limits.price
        left = self.limits.budget - price[self._opened].sum()
        return Limits.of(price[number], left, self.limits.most - len(self._opened))

    def _rest(self, found: Bound, state: States) -> None:
        """Search what reduced costs leave."""
        after = settled(found, self.limits, state, self.target)
        number = np.flatnonzero(after == FREE)
        self._opened = np.flatnonzero(after == OPEN)
        base = self.lists.base.copy()
        for j in self._opened:
            span = slice(self.lists.site_ptr[j], self.lists.site_ptr[j + 1])
            rows = self.lists.row[span]
            base[rows] = np.minimum(base[rows], self.lists.row_cost[span])
        limits = self._left(number)
        spent = self.limits.price[self._opened].sum()
        if spent > self.limits.budget or len(self._opened) > self.limits.most:
            self.lower = self.paid
            return
        free = after == FREE
        whole = narrowed(self.lists, free, base, np.full(len(base), np.inf))
        if not limits.most:
            if base.sum() < self.paid:
                self.paid = float(base.sum())
                self.plan = after == OPEN
            self.lower = self.paid
            return
        self.offer(whole, limits, number, np.argsort(-found.often[number], kind="stable"))
        cap = found.price + (self.paid - self.target - found.lower) + 1e-7 * abs(self.paid)
        lists = narrowed(self.lists, free, base, cap)
        price = np.minimum(found.price, base)
        root = _Node(self.lower, 0, np.zeros(len(number), np.int8), price.astype(np.float32),
                     int(np.argmax(found.often[number])))  # fmt: skip
        tree = _Tree(self, lists, whole, limits, number, root)
        if tree.grow(_NODES_FIRST) or self.watch.over:
            return
        if len(lists.cost) <= _ENTRIES and self._by_highs(lists, limits, number, base > cap):
            return
        tree.grow(None)

    def _by_highs(self, lists: Lists, limits: Limits, number: Ints, must: Plan) -> bool:
        """Let HiGHS search the rest for most of the time; return whether it is proven."""
        target = self.target
        self.watch.tell(f"whole numbers: {lists.sites} sites left, best plan {self.paid:.6g}")
        solved, constant = solve_rest(lists, limits, must, self.watch.part(0.9), target=target)
        if solved.infeasible:
            self.lower = self.paid
            return True
        before = self.paid
        if solved.values is not None:
            chosen = np.flatnonzero(solved.values[: lists.sites] > 0.5)
            self.offer(lists, limits, number, chosen)
        lower = solved.bound + constant - 1e-9 * before
        if lower > before - target:
            lower = before if self.paid == before else before - target
        self.lower = max(self.lower, lower)
        return self.proven()


def _within(limits: Limits, start: Ints) -> Ints:
    """Return as many of some sites, in their order, as the budget allows, in numbered slots."""
    slots = np.full(limits.most, -1)
    spent, slot = 0.0, 0
    for site in start:
        if slot == len(slots):
            break
        if site >= 0 and spent + limits.price[site] <= limits.budget:
            slots[slot] = site
            spent += limits.price[site]
            slot += 1
    return slots


class _Tree:
    """What is left, split again and again."""

    def __init__(
        self,
        search: Search,
        lists: Lists,
        whole: Lists,
        limits: Limits,
        number: Ints,
        root: _Node,
    ) -> None:
        self.search, self.lists, self.whole, self.limits = search, lists, whole, limits
        self.number = number
        self.waiting = [root]
        self.made = 0

    def grow(self, nodes: int | None) -> bool:
        """Split nodes, at most so many; return whether nothing is left."""
        search = self.search
        most = None if nodes is None else self.made + nodes
        while self.waiting and not search.watch.over and (most is None or self.made < most):
            late = len(self.waiting) > _WAITING
            node = self.waiting.pop() if late else heappop(self.waiting)
            self._split(node)
            if self.waiting and not late:
                search.lower = max(search.lower, min(self.waiting[0].lower, search.paid))
            if search.proven():
                return True
            if self.made % 100 == 0:
                search.watch.tell(f"bound {search.lower:.6g}, best plan {search.paid:.6g}")
        if not self.waiting:
            search.lower = search.paid
        return search.proven()

    def _split(self, node: _Node) -> None:
        search = self.search
        for side in (SHUT, OPEN):
            if node.lower > search.paid - search.target:
                return
            state = node.state.copy()
            state[node.branch] = side
            left = self.limits.budget - self.limits.price[state == OPEN].sum()
            more = self.limits.most - int((state == OPEN).sum())
            if left < 0 or more < 0:
                continue
            state[(state == FREE) & ((self.limits.price > left) | (more == 0))] = SHUT
            self._judge(node, state)

    def _judge(self, node: _Node, state: States) -> None:
        search = self.search
        self.made += 1
        search.nodes += 1
        found = bound(
            self.lists, self.limits, state, node.price.astype(float), search.paid, 0.3, 30,
            search.target, 4, 0.02, 0.5, _SPARE,
        )  # fmt: skip
        if found.upper < search.paid:
            search.offer(self.whole, self.limits, self.number, np.flatnonzero(found.plan))
        if found.lower > search.paid - search.target:
            return
        if self.made <= 40 or self.made % 16 == 0:
            order = np.argsort(-(found.often + (state == OPEN)), kind="stable")
            search.offer(self.whole, self.limits, self.number, order)
        after = settled(found._replace(upper=search.paid), self.limits, state, search.target)
        free = np.flatnonzero(after == FREE)
        lower = max(found.lower, node.lower)
        if not len(free):
            self._leaf(after)
            return
        branch = int(free[np.argmax(found.often[free])])
        heappush(
            self.waiting,
            _Node(lower, self.made, after, found.price.astype(np.float32), branch),
        )

    def _leaf(self, state: States) -> None:
        """Look at the one plan that is left, if the budget allows it."""
        chosen = np.flatnonzero(state == OPEN)
        fits = self.limits.price[chosen].sum() <= self.limits.budget
        if fits and len(chosen) <= self.limits.most:
            self.search.offer(self.whole, self.limits, self.number, chosen)
