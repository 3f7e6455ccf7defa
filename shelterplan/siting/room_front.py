"""Fair plans side by side where shelters have limited room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from shelterplan.progress import Progress, silent
from shelterplan.siting.fair import FairResult, fairest_cover, quota_cover
from shelterplan.siting.result import NoPlanError
from shelterplan.siting.watch import Watch, never

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

    from shelterplan.siting.fair import Groups
    from shelterplan.siting.problem import Matrix


def room_front(
    cover: Matrix,
    weights: ArrayLike,
    count: int | None,
    *,
    group: Groups,
    capacity: ArrayLike,
    plans: int = 8,
    fixed: Sequence[int] = (),
    time_limit_s: float = 30.0,
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
) -> list[FairResult]:
    """Return plans from most people with a place to the best share of the worst group.

    Between the two ends the worst share is asked for in equal steps (epsilon constraint); each plan
    is the best that was found for its step, with its own bound on the people (that of the last one
    may be on the worst share: then it has `stages`). Plans that another one betters in both are
    left out.

    Parameters
    ----------
    cover, weights, count, group, capacity, fixed
        As in `fair.quota_cover`.
    plans : int
        How many steps, the ends included.
    time_limit_s, progress, stop
        When to end with the plans so far.

    Examples
    --------
    Six people of the east and three of the west; one site of room 6 each, one to be built.

    >>> near = [[1, 0], [0, 1]]
    >>> found = room_front(near, [6, 3], 1, group=["e", "w"], capacity=[6, 6], plans=3)
    >>> [(plan.selected, plan.people, plan.worst_share) for plan in found]
    [((0,), 6.0, 0.0)]
    """
    watch = Watch(time_limit_s, progress, stop)
    common: dict[str, Any] = {
        "group": group,
        "capacity": capacity,
        "fixed": fixed,
        "stop": lambda: watch.stopped,
    }

    def asked(share: float, part: float) -> FairResult | None:
        watch.tell(f"worst share {share:.1%}")
        limit_s = watch.left_s * part
        try:
            return quota_cover(cover, weights, count, share=share, time_limit_s=limit_s, **common)
        except NoPlanError:
            return None

    fairest = fairest_cover(
        cover, weights, count, time_limit_s=watch.left_s * 0.3, progress=progress, **common
    )
    found = [asked(0.0, 0.2)]
    low = found[0].worst_share if found[0] is not None else 0.0
    steps = np.linspace(low, fairest.worst_share, plans)[1:]
    for number, share in enumerate(steps):
        if watch.over or fairest.worst_share <= low:
            break
        found.append(asked(float(share) * (1 - 1e-9), 1 / (len(steps) - number)))
    return _apart([*(plan for plan in found if plan is not None), fairest])


def _apart(found: list[FairResult]) -> list[FairResult]:
    """Return the plans that no other one betters, the worst share ascending."""
    kept: dict[tuple[float, float], FairResult] = {}
    for plan in found:
        beaten = any(
            other.people >= plan.people
            and other.worst_share >= plan.worst_share
            and (other.people > plan.people or other.worst_share > plan.worst_share)
            for other in found
        )
        if not beaten:
            kept.setdefault((plan.people, plan.worst_share), plan)
    return sorted(kept.values(), key=lambda plan: plan.worst_share)
