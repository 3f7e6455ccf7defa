"""How sure each site of a plan is: in how many nearly equal plans it appears."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from shelterplan.app import jobs
from shelterplan.siting.ground import Ground
from shelterplan.siting.sure import how_sure

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from shelterplan.app.gaps_view import View
    from shelterplan.app.sites_work import Request
    from shelterplan.progress import Progress
    from shelterplan.siting.suggest import Suggestion, Wish
    from shelterplan.study_area import StudyArea

OBJECTIVES = ("people",)
"""What is to be done best where nearly equal plans can be looked for."""
PLANS, SHARE, LONGEST_S = 20, 0.01, 20.0
"""How many plans are looked for, how much less than the best one each may do, and how long [s]."""


@dataclass(frozen=True, slots=True)
class Sureness:
    """In how many nearly equal plans each site appears."""

    words: dict[str, str]
    """`always`, `often` or `equal` for each site of the plan, `never` for one in none."""
    plans: int
    complete: bool
    """Whether it is proven that no other plans are nearly equal; with room it never is."""


def comparable(wish: Wish) -> bool:
    """Return whether nearly equal plans can be looked for: those with as many sites."""
    return wish.objective in OBJECTIVES and wish.quota is None and wish.budget is None


def key_of(request: Request, found: Suggestion) -> Hashable:
    """Return the key of the work: the request, and the sites that it is about."""
    return "sure", request, tuple(map(str, found.sites.index))


def work(
    area: StudyArea, request: Request, found: Suggestion
) -> Callable[[Progress, Callable[[], bool]], Sureness]:
    """Return the work that looks for nearly equal plans, with room where it counts."""

    def look(progress: Progress, stop: Callable[[], bool]) -> Sureness:
        wish, table = request.wish, found.candidates
        free = table["suitable"].to_numpy(bool) & ~table.index.isin(wish.forbid)
        ground = Ground(area, table[free], request.scenario, request.standard, wish.counted)
        first = len(area.shelters)
        columns = ground.sites.index.get_indexer(found.sites.index) + first
        sure = how_sure(
            ground,
            columns.tolist(),
            kept=(ground.sites.index.get_indexer(list(wish.keep)) + first).tolist(),
            share=SHARE,
            plans=PLANS,
            time_limit_s=LONGEST_S,
            progress=progress,
            stop=stop,
        )
        rows = {row.site: row for row in sure.sites}
        named = {"always": "always", "often": "often"}
        return Sureness(
            words={
                str(site): named.get(rows[column].word, "equal") if rows[column].plans else "never"
                for site, column in zip(found.sites.index, columns.tolist(), strict=True)
            },
            plans=len(sure.near.plans),
            complete=sure.near.complete,
        )

    return look


def words_of(request: Request, found: Suggestion) -> dict[str, str] | None:
    """Return how sure each site is, if it was looked for."""
    outcome = jobs.desk().outcome(key_of(request, found))
    if outcome is None or outcome.result is None:
        return None
    found_words: dict[str, str] = outcome.result.words
    return found_words


def show(view: View, request: Request, found: Suggestion) -> None:
    """Show the button that looks for nearly equal plans, or what came of it."""
    words, key = view.words, key_of(request, found)
    wish = found.wish
    if not len(found.sites) or not comparable(wish):
        return
    if jobs.desk().running(key) is not None:
        return
    outcome = jobs.desk().outcome(key)
    if outcome is None or (outcome.result is None and outcome.stopped):
        if st.button(words("sites.how_sure"), key="sites_sure"):
            jobs.desk().begin(key, work(view.area, request, found))
            st.rerun()
        return
    if outcome.result is None:
        why = str(outcome.error) if outcome.error else words("sites.failed")
        st.html(f"<p class='check'>{escape(why)}</p>")
        return
    sure: Sureness = outcome.result
    said = [words.count("sites_plans", sure.plans)]
    if sure.complete:
        said.append(words("sites.all_plans"))
    elif request.scenario.room == "ignored":
        said.append(words("sites.more_plans"))
    else:
        said.append(words("sites.by_exchange"))
    st.html(f"<p>{escape(' '.join(said))}</p>")
