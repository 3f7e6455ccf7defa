"""How sure each site of a plan is: in how many plans that do nearly as well it appears."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from shelterplan.progress import Progress, silent
from shelterplan.siting.near_optimal import (
    NearPlan,
    NearPlans,
    SiteFrequency,
    frequency,
    near_optimal,
)
from shelterplan.siting.watch import Watch, never

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from shelterplan.siting.ground import Ground


class Sure(NamedTuple):
    """Nearly equal plans, and the sites of one plan in them."""

    near: NearPlans
    sites: tuple[SiteFrequency, ...]
    """One for each site of the plan, in the order of the columns."""


def how_sure(
    ground: Ground,
    chosen: Sequence[int],
    *,
    kept: Sequence[int] = (),
    share: float = 0.01,
    plans: int = 20,
    time_limit_s: float = 20.0,
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
) -> Sure:
    """Look for other plans with as many sites that serve nearly as many people.

    Plans of any cost are looked at, and people are counted alike: this is for plans with a number
    of sites that serve most people.

    Without room, see `near_optimal.near_optimal`. With room, sites of the plan are exchanged one by
    one, then those of the plans found so, each being counted exactly as a coverage run does; that
    there are no others is never proven then.

    Parameters
    ----------
    ground : Ground
        The study area.
    chosen : sequence of int
        Columns of the plan's sites.
    kept : sequence of int
        Those that must be in every plan.
    share : float
        How much less than the best a plan may do: people served, as a share.
    plans : int
        How many plans to look for.
    time_limit_s, progress, stop
        When to end.
    """
    if ground.room is None:
        near = near_optimal(
            ground.walks,
            ground.people,
            len(chosen) - len(kept),
            fixed=[*ground.fixed, *kept],
            share=share,
            plans=plans,
            time_limit_s=time_limit_s,
            progress=progress,
            stop=stop,
        )
    else:
        watch = Watch(time_limit_s, progress, stop)
        near = _by_exchange(ground, chosen, kept, share, plans, watch)
    return Sure(near, tuple(frequency(near.plans, chosen)))


def _by_exchange(
    ground: Ground,
    chosen: Sequence[int],
    kept: Sequence[int],
    share: float,
    plans: int,
    watch: Watch,
) -> NearPlans:
    """Exchange one site after the other, beginning with the plan itself."""
    useful = np.flatnonzero(np.diff(ground.walks.tocsc().indptr) > 0)
    free = np.setdiff1d(useful, ground.fixed)
    first = tuple(sorted(int(column) for column in chosen))
    best = _served(ground, first)
    seen = {first: best}
    waiting = deque([first])
    while waiting and not watch.over and _near(seen, share) < plans:
        plan = waiting.popleft()
        for other in _exchanges(plan, kept, free):
            if watch.over or _near(seen, share) >= plans:
                break
            if other not in seen:
                seen[other] = _served(ground, other)
                if seen[other] >= (1 - share) * max(seen.values()):
                    waiting.append(other)
        watch.tell(f"{_near(seen, share)} of {plans} plans")
    top = max(seen.values())
    found = sorted((-value, plan) for plan, value in seen.items() if value >= (1 - share) * top)
    fixed = tuple(int(column) for column in ground.fixed)
    return NearPlans(
        plans=tuple(
            NearPlan(selected=(*fixed, *plan), objective=-value) for value, plan in found[:plans]
        ),
        bound=float("inf"),
        wanted=plans,
        complete=False,
    )


def _near(seen: dict[tuple[int, ...], float], share: float) -> int:
    """Return how many plans are near the best one."""
    least = (1 - share) * max(seen.values())
    return sum(value >= least for value in seen.values())


def _exchanges(
    plan: tuple[int, ...], kept: Sequence[int], free: NDArray[np.int64]
) -> list[tuple[int, ...]]:
    """Return the plans with one site exchanged, in a fixed order that mixes the sites."""
    pairs = [
        tuple(sorted({*plan} - {old} | {int(new)}))
        for new in free
        if new not in plan
        for old in plan
        if old not in kept
    ]
    order = np.random.default_rng(0).permutation(len(pairs))
    return [pairs[number] for number in order]


def _served(ground: Ground, plan: tuple[int, ...]) -> float:
    return ground.placed([*ground.fixed, *plan])
