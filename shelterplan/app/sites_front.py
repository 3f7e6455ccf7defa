"""Other plans beside the one asked for: fairer ones, and ones with fewer or more sites."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import streamlit as st

from shelterplan.app import jobs
from shelterplan.app import sites_told as told
from shelterplan.app import sites_work as work
from shelterplan.app.figures import people, percent
from shelterplan.app.markup import table
from shelterplan.plan import make_plan
from shelterplan.siting.ground import Ground
from shelterplan.siting.pareto import cost_front, front
from shelterplan.siting.room_front import room_front
from shelterplan.views.charts import plans_chart

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from numpy.typing import NDArray

    from shelterplan.app.gaps_view import View
    from shelterplan.app.words import Words
    from shelterplan.plan import Plan
    from shelterplan.progress import Progress
    from shelterplan.siting.fair import FairResult
    from shelterplan.siting.ground import Counted
    from shelterplan.siting.pareto import Point
    from shelterplan.siting.suggest import Suggestion
    from shelterplan.study_area import StudyArea

Kind = Literal["fairer", "number"]
"""What is set against the people with a place: the worst district's share, or the sites."""
PLANS, MOST_SITES, LONGEST_S = 8, 12, 30.0
"""How many fairer plans, up to how many sites, and how long it may take [s]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Other:
    """Another plan."""

    sites: tuple[str, ...]
    people: float
    """People with a place, as a coverage run counts them."""
    share: float
    """Share of the people of the worst district who have one (0 to 1)."""
    district: str
    """Its name."""
    proven: bool
    """Whether it is proven that no plan serves more that does as well by the worst district."""
    bound: float | None
    """People that no such plan can exceed; None if it is not known."""


def key_of(request: work.Request, kind: Kind) -> Hashable:
    """Return the key of the work."""
    return kind, request


def compare(
    area: StudyArea, request: work.Request, found: Suggestion, kind: Kind
) -> Callable[[Progress, Callable[[], bool]], tuple[Other, ...]]:
    """Return the work that finds other plans.

    Plans with fewer or more sites are found without room, and counted with it.
    """

    def look(progress: Progress, stop: Callable[[], bool]) -> tuple[Other, ...]:
        wish, candidates = request.wish, found.candidates
        free = candidates["suitable"].to_numpy(bool) & ~candidates.index.isin(wish.forbid)
        ground = Ground(area, candidates[free], request.scenario, request.standard, wish.counted)
        first = len(area.shelters)
        if kind == "fairer" and ground.room is not None:
            return _apart(
                [
                    _in_hand(found),
                    *_with_room(area, request, ground, len(found.sites), progress, stop),
                ]
            )
        sites = np.arange(len(ground.sites)) + first
        there = ground.fixed if ground.room is None else ground.fixed[ground.room[:first] > 0]
        columns = np.concatenate([there, sites])
        kept = ground.sites.index.get_indexer(list(wish.keep)) + len(there)
        common: dict[str, Any] = {
            "group": ground.district,
            "fixed": [*range(len(there)), *kept],
            "time_limit_s": LONGEST_S,
            "progress": progress,
            "stop": stop,
        }
        walks = ground.walks[:, columns]
        if kind == "fairer":
            count = max(0, len(found.sites) - len(kept))
            points = front(walks, ground.people, count, plans=PLANS, **common)
        else:
            count = max(0, min(MOST_SITES, len(sites)) - len(kept))
            points = cost_front(walks, ground.people, count, **common)
        ids = np.concatenate([np.array([""] * len(there)), ground.sites.index.astype(str)])
        others = [_other(area, request, point, ids, ground.room is None) for point in points]
        return _apart([_in_hand(found), *others])

    return look


def _with_room(
    area: StudyArea,
    request: work.Request,
    ground: Ground,
    number: int,
    progress: Progress,
    stop: Callable[[], bool],
) -> list[Other]:
    """Return fairer plans whose sites have limited room."""
    kept = ground.sites.index.get_indexer(list(request.wish.keep)) + len(area.shelters)
    ids = np.array([*[""] * len(area.shelters), *ground.sites.index.astype(str)])
    points = room_front(
        ground.walks,
        ground.people,
        max(0, number - len(kept)),
        group=ground.district,
        capacity=np.full(len(ids), np.inf) if ground.room is None else ground.room,
        plans=PLANS,
        fixed=[*ground.fixed, *kept],
        time_limit_s=LONGEST_S,
        progress=progress,
        stop=stop,
    )
    return [_other(area, request, point, ids, not point.stages) for point in points]


def _in_hand(found: Suggestion) -> Other:
    """Return the plan that was asked for as one of the others."""
    share, district = _worst(found.after, found.wish.counted)
    proven = found.result.optimal and found.unit == "people" and found.wish.quota is None
    return Other(
        sites=tuple(map(str, found.sites.index)),
        people=float(found.after.total[found.counted_column]),
        share=share,
        district=district,
        proven=proven,
        bound=float(found.result.bound) if proven else None,
    )


def _other(
    area: StudyArea,
    request: work.Request,
    point: Point | FairResult,
    ids: NDArray[np.str_],
    bounded: bool,  # noqa: FBT001
) -> Other:
    """Count what a plan does by a coverage run of its own."""
    sites = tuple(str(ids[column]) for column in point.selected if ids[column])
    place = area.with_sites(area.candidates.loc[list(sites)]) if sites else area
    plan = make_plan(place, request.scenario, request.standard)
    possible = request.wish.counted == "possible"
    share, district = _worst(plan, request.wish.counted)
    return Other(
        sites=sites,
        people=float(plan.total["possible_people" if possible else "covered_population"]),
        share=share,
        district=district,
        proven=bounded and point.status == "optimal",
        bound=point.bound if bounded else None,
    )


def _worst(plan: Plan, counted: Counted) -> tuple[float, str]:
    """Return the share of the worst district, and its name."""
    share = plan.districts["possible_share" if counted == "possible" else "coverage_share"]
    share = share[plan.districts["population"] > 0].astype(float)
    return (float(share.min()), str(share.idxmin())) if len(share) else (math.nan, "")


def _apart(others: list[Other]) -> tuple[Other, ...]:
    """Return the plans of which no other is as good in everything, by the number of sites."""

    def beaten(one: Other) -> bool:
        return any(
            (other.people >= one.people and other.share >= one.share)
            and (other.people > one.people or other.share > one.share)
            and len(other.sites) <= len(one.sites)
            for other in others
        )

    kept = {one.sites: one for one in others if not beaten(one)}
    return tuple(sorted(kept.values(), key=lambda one: (len(one.sites), one.share)))


def show(view: View, request: work.Request, found: Suggestion) -> None:
    """Show other plans beside the one asked for, or the buttons that look for them."""
    words = view.words
    if view.area.communities["district"].nunique() > 1:
        _compared(view, request, found, "fairer")
    else:
        st.html(f"<p>{escape(words('sites.one_district'))}</p>")
    _compared(view, request, found, "number")


def _compared(view: View, request: work.Request, found: Suggestion, kind: Kind) -> None:
    words, key = view.words, key_of(request, kind)
    st.subheader(words.of("sites_front", kind), anchor=False)
    if jobs.desk().running(key) is not None:
        st.html(f"<p>{escape(words('sites.front_running'))}</p>")
        return
    outcome = jobs.desk().outcome(key)
    if outcome is None or outcome.result is None:
        if outcome is not None and not outcome.stopped:
            said = str(outcome.error) if outcome.error else words("sites.failed")
            st.html(f"<p class='check'>{escape(said)}</p>")
        if st.button(words.of("sites_compare", kind), key=f"compare_{kind}"):
            jobs.desk().begin(key, compare(view.area, request, found, kind))
            st.rerun()
        return
    others: tuple[Other, ...] = outcome.result
    if outcome.stopped:
        st.html(f"<p>{escape(words('sites.front_stopped'))}</p>")
    _drawn(view, request, found, kind, others)


def _drawn(
    view: View, request: work.Request, found: Suggestion, kind: Kind, others: tuple[Other, ...]
) -> None:
    """Show the plans as a chart, a table and a list."""
    words, shown = view.words, {str(site) for site in found.sites.index}
    here = next((n for n, one in enumerate(others) if set(one.sites) == shown), None)
    fairer, key = kind == "fairer", f"chart_{kind}"
    st.vega_lite_chart(
        plans_chart(
            [
                {
                    "plan": number + 1,
                    "x": one.share if fairer else len(one.sites),
                    "y": one.people,
                    "chosen": number == here,
                }
                for number, one in enumerate(others)
            ],
            x_title=words("sites.axis_share") if fairer else words("sites.axis_number"),
            y_title=words("sites.axis_people"),
            x_format=".1%" if fairer else "d",
            description=words.of("sites_front", f"{kind}_more"),
            dark=view.dark,
        ),
        key=key,
        theme=None,
        on_select=partial(_take_point, view, request, key, others),
        selection_mode="pick",
    )
    st.html(f"<p>{escape(words.of('sites_front', f'{kind}_more'))}</p>")
    if kind == "number" and view.scenario.room != "ignored":
        st.html(f"<p>{escape(words('sites.front_room'))}</p>")
    st.html(_table(words, others, kind))
    st.selectbox(
        words("sites.open"),
        range(len(others)),
        index=None,
        key=f"open_{kind}",
        placeholder=words("gaps.none"),
        format_func=lambda n: words("sites.plan_number", number=n + 1),
        on_change=_take_listed,
        args=(view, request, f"open_{kind}", others),
    )


def _table(words: Words, others: tuple[Other, ...], kind: Kind) -> str:
    """Return the plans as a table: what they do, and how sure it is that none does better."""
    number = kind == "number"
    head = [words("sites.plan"), words("sites.axis_people"), words("sites.worst")]
    head += [words("sites.axis_number")] if number else []
    rows = []
    for turn, one in enumerate(others, 1):
        worst = f"{words.translated(one.district)}: {percent(one.share)}"
        row = [str(turn), told.at_least(one.people), worst]
        row += [str(len(one.sites))] if number else []
        rows.append([*row, proof(words, one)])
    return table([*head, words("sites.sure")], rows)


def proof(words: Words, one: Other) -> str:
    """Say how sure it is that no plan does better that is as good in the other."""
    if one.proven:
        return words("sites.proven")
    if one.bound is None:
        return words("sites.not_proven")
    return words("sites.at_most_more", people=people(max(1.0, one.bound - one.people)))


def _take_point(view: View, request: work.Request, key: str, others: tuple[Other, ...]) -> None:
    """Open the plan of the point that was selected."""
    picked = st.session_state[key]["selection"].get("pick") or []
    if picked:
        open_plan(view, request, others[int(picked[0]["plan"]) - 1])


def _take_listed(view: View, request: work.Request, key: str, others: tuple[Other, ...]) -> None:
    number = st.session_state[key]
    if number is not None:
        open_plan(view, request, others[number])


def open_plan(view: View, request: work.Request, other: Other) -> None:
    """Look at another plan: its sites are kept, and nothing else is chosen."""
    wish = replace(
        request.wish,
        objective="people",
        quota=None,
        budget=None,
        sites=len(other.sites),
        keep=other.sites,
        forbid=(),
    )
    opened = replace(request, wish=wish, scenarios=())
    st.session_state["sites_opened"] = (request, opened, other)
    st.session_state["sites_stale"] = True
    jobs.desk().begin(opened, work.plan(view.area, opened))


def opened(request: work.Request) -> tuple[work.Request, Other] | None:
    """Return the other plan that is looked at in place of the one asked for."""
    kept: tuple[work.Request, work.Request, Other] | None = st.session_state.get("sites_opened")
    return kept[1:] if kept is not None and kept[0] == request else None


def close() -> None:
    """Go back to the plan that was asked for."""
    st.session_state.pop("sites_opened", None)
