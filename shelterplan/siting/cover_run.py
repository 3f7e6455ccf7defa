"""Maximal covering while it is solved: what is left of the model, the best plan, the best bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from shelterplan.siting.cover_bound import Bound, evaluate, even_prices
from shelterplan.siting.cover_must import lifted, no_better_without
from shelterplan.siting.cover_search import Cover, Limits, covered, greedy, narrow
from shelterplan.siting.reduce import merge_rows, undominated
from shelterplan.siting.result import ROUNDING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.cover_must import Flags
    from shelterplan.siting.cover_search import Columns, Floats
    from shelterplan.siting.problem import Choice, Sparse
    from shelterplan.siting.watch import Watch


MUST_ENTRIES = 100_000
"""In a model with more entries, points that must be covered are too few to look for."""


class Small(NamedTuple):
    """What is left to choose once fixed sites and needless rows and columns are set aside."""

    cover: Sparse
    weights: Floats
    limits: Limits
    columns: Columns
    """Which site each column was."""
    base: float
    """What fixed sites cover."""


def reduced(cover: Sparse, weights: Floats, choice: Choice, watch: Watch) -> Small:
    """Set aside what fixed sites cover, put equal points together, leave needless sites out."""
    there = np.zeros(cover.shape[1], bool)
    there[choice.fixed] = True
    met = (cover @ there.astype(float)) > 0
    columns = choice.free
    if choice.costs is not None:
        columns = columns[choice.costs[columns] <= choice.budget]
    open_rows = ~met & (weights > 0)
    part = narrow(cover[open_rows][:, columns])
    value = weights[open_rows]
    if not watch.over:
        merged = merge_rows(part, value)
        costs = None if choice.costs is None else choice.costs[columns]
        kept = undominated(merged.cover, costs)
        columns = columns[kept]
        merged = merge_rows(sparse.csr_array(merged.cover[:, kept]), merged.weights)
        part, value = merged.cover, merged.weights
    limits = Limits.of(
        len(columns),
        choice.count,
        None if choice.costs is None else choice.costs[columns],
        choice.budget,
    )
    return Small(part, value, limits, columns, float(weights[met].sum()))


class Run:
    """The best plan and the best bound so far."""

    def __init__(self, small: Small, watch: Watch, *, whole: bool) -> None:
        self.small = small
        self.watch = watch
        self.limits = small.limits
        self.cover = Cover.of(small.cover, small.weights)
        self.whole = whole
        self.plan: Columns = greedy(self.cover, self.limits)
        self.value = covered(small.cover, small.weights, self.plan)
        self.bound = float(small.weights.sum())
        self.prices: Bound = evaluate(self.cover, self.limits, even_prices(self.cover))
        self.lower(self.prices)
        self.tell("greedy choice")

    @property
    def enough(self) -> float:
        """How far above the plan a bound may be and still prove it.

        A little less than `SitingResult` allows, as sums may be rounded.
        """
        return 1 - 2 * ROUNDING if self.whole else ROUNDING / 2 * (self.small.base + self.value)

    def done(self) -> bool:
        """Whether the plan is proven, or time is up."""
        return self.proven or self.watch.over

    @property
    def proven(self) -> bool:
        """Whether no plan can be better."""
        return self.bound <= self.value + self.enough

    def offer(self, plan: Columns) -> bool:
        """Keep a plan if it is better; return whether it is."""
        if not len(plan) or not self.limits.allow(plan):
            return False
        value = covered(self.small.cover, self.small.weights, plan)
        if value <= self.value + 1e-9:
            return False
        self.plan, self.value = np.sort(plan), value
        return True

    def lower(self, found: Bound) -> None:
        """Keep prices and a bound if they are better."""
        if found.value <= self.prices.value:
            self.prices = found
        # Sites that were left out are in no better plan than the best one that is known.
        self.bound = min(self.bound, max(found.value, self.value))

    def tell(self, stage: str) -> None:
        """Tell the stage, the best plan and the bound."""
        base = self.small.base
        best, bound = base + self.value, base + max(self.bound, self.value)
        self.watch.tell(f"{stage}: {best:,.0f} covered, at most {bound:,.0f}")

    def promising(self) -> NDArray[np.bool_]:
        """Return which sites a better plan can have, with those of the best plan."""
        can = self.prices.with_site(self.limits.costs) >= self.value + self.enough
        can[self.plan] = True
        return can

    def shrink(self, also: NDArray[np.bool_] | None = None, must: Flags | None = None) -> None:
        """Leave out sites that no better plan has, and points that only they cover.

        `also` tells of other reasons why sites can be in a better plan or not, shape (sites,);
        `must` which points every better plan covers, shape (demand,): see `cover_must`.
        """
        can = self.promising() if also is None else self.promising() & also
        can[self.plan] = True
        heir = self._lift(must)
        small = self.small
        needed = heir == np.arange(len(heir))
        if can.all() and needed.all():
            return
        columns = np.flatnonzero(can)
        part = narrow(small.cover[np.flatnonzero(needed)][:, columns])
        if not needed.all():
            use = undominated(part, small.limits.costs[columns]) | np.isin(columns, self.plan)
            part, columns = narrow(part[:, np.flatnonzero(use)]), columns[use]
        merged = merge_rows(part, small.weights[needed])
        group = merged.group[(np.cumsum(needed) - 1)[heir]]
        prices = np.zeros(len(merged.weights))
        np.add.at(prices, group[group >= 0], self.prices.prices[group >= 0])
        self.small = Small(
            merged.cover,
            merged.weights,
            small.limits.of_columns(columns),
            small.columns[columns],
            small.base,
        )
        self.limits = self.small.limits
        self.cover = Cover.of(merged.cover, merged.weights)
        self.plan = np.searchsorted(columns, self.plan)
        self.prices = evaluate(self.cover, self.limits, prices)
        self.lower(self.prices)
        self.tell(f"{len(columns)} sites left")

    def _lift(self, must: Flags | None) -> NDArray[np.int64]:
        """Make points dear that every better plan covers; return the heirs of needless ones."""
        small, room = self.small, self.bound - self.value
        alone = np.arange(len(small.weights))
        if self.cover.entries > MUST_ENTRIES or room <= 0:
            return alone
        found = no_better_without(self.prices, small.weights, self.value + self.enough)
        must = found if must is None else found | must
        heir, weights, more = lifted(small.cover, small.weights, must, room)
        if (heir == alone).all():
            return alone
        self.small = small._replace(weights=weights, base=small.base + more)
        self.value -= more
        self.bound -= more
        return heir

    def sure(self) -> NDArray[np.bool_]:
        """Return which sites every better plan has."""
        must: NDArray[np.bool_] = (
            self.prices.without_site(self.limits.costs) < self.value + self.enough
        )
        return must
