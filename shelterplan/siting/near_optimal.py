"""Many plans nearly as good as the best: which sites are in all of them, which by chance."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from shelterplan.progress import Progress, silent
from shelterplan.siting.cover_linear import cover_model, solve_in_time
from shelterplan.siting.cover_search import Cover, Limits, covered, near_plans, swaps_in
from shelterplan.siting.max_cover import best_cover, warm_up
from shelterplan.siting.problem import Choice, as_cover, as_weights
from shelterplan.siting.reduce import merge_rows
from shelterplan.siting.result import ROUNDING, SitingError
from shelterplan.siting.watch import Watch, never

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import ArrayLike

    from shelterplan.siting.cover_search import Columns, Floats
    from shelterplan.siting.problem import Matrix, Sparse

SOLVER_SHARE = 0.5
"""Share of the time for the best plan."""
TURNS = 40
"""Most turns of swaps in search of further plans."""
SWAP_WORK = 5e7
"""Steps of the processor in one turn of swaps."""
POOL = 10
"""So many times the plans asked for are gathered, to take different ones from."""


@dataclass(frozen=True, kw_only=True)
class NearPlan:
    """A plan within a share of the best one."""

    selected: tuple[int, ...]
    """Columns of the chosen sites, ascending, with those that were fixed."""
    objective: float
    """What they cover."""


@dataclass(frozen=True, kw_only=True)
class NearPlans:
    """Different plans within a share of the best one, the best first."""

    plans: tuple[NearPlan, ...]
    """All different, the best first."""
    bound: float
    """What no plan can better."""
    wanted: int
    """How many plans were asked for."""
    complete: bool
    """Whether it is proven that there are no others."""

    @property
    def words(self) -> str:
        """How many there are, and why there are no more.

        Examples
        --------
        >>> NearPlans(plans=(), bound=0.0, wanted=20, complete=False).words
        'only 0 of 20 plans were found in time; there may be more'
        """
        number = len(self.plans)
        if self.complete:
            return f"there are only {number} such plans, all of them here"
        if number < self.wanted:
            return f"only {number} of {self.wanted} plans were found in time; there may be more"
        return f"{number} plans; there may be more"


@dataclass(frozen=True, kw_only=True)
class SiteFrequency:
    """How often a site appears in near-optimal plans."""

    site: int
    plans: int
    """How many plans have it."""
    word: str
    """`always`, `often` (in at least half of them) or `one of several equals`."""


def near_optimal(
    cover: Matrix,
    weights: ArrayLike | None,
    count: int,
    *,
    fixed: Sequence[int] = (),
    share: float = 0.01,
    plans: int = 20,
    time_limit_s: float = 20.0,
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
) -> NearPlans:
    """Return different plans that cover nearly as much as the best one that `max_cover` finds.

    Swaps gather plans within the share; of many, those are taken that differ most from one another.
    Where there are too few, HiGHS looks for the best plan that is none of those found, each of them
    cut off by ``sum of its y_j <= sites - 1`` (a no-good cut, Balas and Jeroslow 1972), until there
    are enough or none is left. Plans have as many sites as may be added, or all that there are.

    Parameters
    ----------
    cover, weights, count, fixed
        As for `max_cover`.
    share : float
        How much less than the best plan, as a share of what it covers.
    plans : int
        How many plans.
    time_limit_s : float
        How long it may take [s].
    progress, stop
        As for `max_cover`.

    Raises
    ------
    SitingError
        If `share` or `plans` cannot be.

    Examples
    --------
    >>> near = [[1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]]
    >>> found = near_optimal(near, [60, 30, 10], 2)
    >>> [plan.selected for plan in found.plans], found.complete
    ([(0, 3), (1, 3)], True)
    >>> [(site.site, site.word) for site in frequency(found.plans)]
    [(3, 'always'), (0, 'often'), (1, 'often')]
    """
    if not 0 <= share < 1 or plans < 1:
        message = f"share must be from 0 to 1 and plans at least 1, not {share!r} and {plans!r}"
        raise SitingError(message)
    warm_up()
    watch = Watch(time_limit_s, progress, stop)
    matrix = as_cover(cover)
    worth = as_weights(weights, matrix.shape[0])
    choice = Choice.of(matrix.shape[1], count, fixed=fixed)
    best, bound = best_cover(matrix, worth, choice, watch.part(SOLVER_SHARE))
    pool = _Pool(matrix, worth, choice, share, watch)
    pool.add(pool.filled(best))
    pool.gather(plans)
    complete = pool.cut(plans) if len(pool.found) < plans else False
    return NearPlans(
        plans=pool.different(plans), bound=max(bound, pool.best), wanted=plans, complete=complete
    )


def frequency(plans: Iterable[NearPlan], sites: Iterable[int] | None = None) -> list[SiteFrequency]:
    """Return in how many plans each site appears, the most frequent first.

    Parameters
    ----------
    plans : iterable of NearPlan
        Plans to count in.
    sites : iterable of int, optional
        Which sites; all that any plan has if not given.
    """
    plans = list(plans)
    times = Counter(site for plan in plans for site in plan.selected)
    wanted = sorted(times if sites is None else {int(site) for site in sites})
    rows = [
        SiteFrequency(site=site, plans=times[site], word=_word(times[site], len(plans)))
        for site in wanted
    ]
    return sorted(rows, key=lambda row: (-row.plans, row.site))


def _word(times: int, plans: int) -> str:
    if plans and times == plans:
        return "always"
    return "often" if plans and 2 * times >= plans else "one of several equals"


class _Pool:
    """The plans found so far, each a set of added sites."""

    def __init__(
        self, cover: Sparse, weights: Floats, choice: Choice, share: float, watch: Watch
    ) -> None:
        self.full, self.weights, self.choice = cover, weights, choice
        self.share, self.watch = share, watch
        there = np.zeros(cover.shape[1])
        there[choice.fixed] = 1.0
        met = np.asarray(cover @ there) > 0
        open_rows = ~met & (weights > 0)
        self.base = float(weights[met].sum())
        merged = merge_rows(sparse.csr_array(cover[open_rows][:, choice.free]), weights[open_rows])
        self.small, self.worth = merged.cover, merged.weights
        self.size = min(choice.count or 0, len(choice.free))
        self.found: dict[tuple[int, ...], float] = {}
        self.best = 0.0

    @property
    def least(self) -> float:
        """What a plan must cover, without what fixed sites do."""
        return self.best * (1 - self.share) * (1 - ROUNDING * 1e-3) - self.base

    def filled(self, added: Columns) -> Columns:
        """Return a plan's columns among the free ones, with useless ones up to the full number."""
        plan = np.searchsorted(self.choice.free, added)
        rest = np.setdiff1d(np.arange(len(self.choice.free)), plan)
        return np.sort(np.concatenate([plan, rest[: self.size - len(plan)]]))

    def add(self, plan: Columns) -> bool:
        """Keep a plan that is new and good enough; return whether it is."""
        value = self.base + covered(self.small, self.worth, plan)
        self.best = max(self.best, value)
        key = tuple(plan.tolist())
        if key in self.found or value - self.base < self.least:
            return False
        self.found[key] = value
        return True

    def gather(self, wanted: int) -> None:
        """Look for plans by swaps from the best one."""
        if not 0 < self.size < len(self.choice.free) or not self.small.nnz:
            return
        both = Cover.of(self.small, self.worth)
        limits = Limits.of(both.sites, self.size, None, np.inf)
        swaps = swaps_in(both, self.size, SWAP_WORK)
        for turn in range(TURNS):
            if self.watch.over or len(self.found) >= POOL * wanted:
                break
            start = np.array(list(self.found)[turn % len(self.found)])
            near = near_plans(
                both, limits, start, self.least, iterations=swaps, seed=turn, most=POOL * wanted
            )
            fresh = [self.add(np.sort(plan)) for plan in near]
            self.watch.tell(f"{len(self.found):,} plans within {self.share:.1%} of the best")
            if turn >= 5 and not any(fresh):
                break
        self._drop_worse()

    def cut(self, wanted: int) -> bool:
        """Look for plans with HiGHS, all found ones cut off; return whether none is left."""
        if self.size in (0, len(self.choice.free)):
            return True
        limits = Limits.of(len(self.choice.free), self.size, None, np.inf)
        model = cover_model(self.small, self.worth, limits, whole=True)
        columns = len(model.objective)
        exactly = np.zeros((1, columns))
        exactly[0, : len(self.choice.free)] = 1.0
        while len(self.found) < wanted and not self.watch.over:
            cuts = np.zeros((len(self.found), columns))
            for row, plan in enumerate(self.found):
                cuts[row, list(plan)] = 1.0
            worth = model.objective[None, :]
            extra = sparse.csr_array(np.vstack([exactly, cuts, worth]))
            solved = solve_in_time(
                replace(
                    model,
                    rows=sparse.csr_array(sparse.vstack([model.rows, extra])),
                    row_lower=np.concatenate(
                        [
                            model.row_lower,
                            [self.size],
                            np.full(len(cuts), -np.inf),
                            [self.least - ROUNDING * self.best],
                        ]
                    ),
                    row_upper=np.concatenate(
                        [model.row_upper, [self.size], np.full(len(cuts), self.size - 1), [np.inf]]
                    ),
                ),
                self.watch,
            )
            self.watch.tell(f"{len(self.found):,} plans within {self.share:.1%} of the best")
            if solved.values is None:
                return solved.infeasible
            fresh = np.flatnonzero(solved.values[: len(self.choice.free)] > 0.5)
            if not self.add(fresh):
                return solved.optimal
            self._drop_worse()
        return False

    def _drop_worse(self) -> None:
        """Forget plans that a better best plan leaves behind."""
        self.found = {
            plan: value for plan, value in self.found.items() if value - self.base >= self.least
        }

    def different(self, wanted: int) -> tuple[NearPlan, ...]:
        """Return plans, each as different as can be from those before it; the best one first."""
        keys = sorted(self.found, key=lambda plan: (-self.found[plan], plan))
        if len(keys) > wanted:
            member = np.zeros((len(keys), len(self.choice.free)), bool)
            for row, plan in enumerate(keys):
                member[row, list(plan)] = True
            taken = [0]
            common = (member & member[0]).sum(axis=1)
            for _ in range(wanted - 1):
                common[taken] = len(self.choice.free) + 1
                taken.append(int(np.argmin(common)))
                common = np.maximum(common, (member & member[taken[-1]]).sum(axis=1))
            keys = [keys[row] for row in sorted(taken)]
        return tuple(self._plan(key) for key in keys)

    def _plan(self, key: tuple[int, ...]) -> NearPlan:
        selected = np.union1d(self.choice.fixed, self.choice.free[list(key)]).astype(np.int64)
        return NearPlan(
            selected=tuple(selected.tolist()),
            objective=covered(self.full, self.weights, selected),
        )
