"""Plans for several scenarios: which ones can be chosen, and what a plan does in each."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import streamlit as st

from shelterplan.app.figures import people, percent
from shelterplan.app.markup import table
from shelterplan.app.sites_told import at_least
from shelterplan.scenario import WALKERS
from shelterplan.siting.suggest import ROBUST
from shelterplan.tables import TIMES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shelterplan.app.gaps_view import View
    from shelterplan.app.settings import Settings
    from shelterplan.app.words import Words
    from shelterplan.scenario import Scenario
    from shelterplan.siting.suggest import Suggestion
    from shelterplan.standards import AccessStandard
    from shelterplan.study_area import StudyArea

SLOWER, STEPLESS = "elderly", "wheelchair"
"""Walkers for whom there is a scenario: the first one counts only where time does."""


def offered(area: StudyArea, main: Scenario, standard: AccessStandard) -> dict[str, Scenario]:
    """Return the scenarios that differ from the main one in one thing, by their names.

    A name is `what:which`, such as `hazard:flood`, `hazard:` (none) or `walker:wheelchair`. What
    the data cannot tell apart is not there: hazards without zones, the time of day where the
    people are the same at all times, gates where none is opened in an emergency only, and a slower
    walker where near enough is a distance.
    """
    zoned = [str(one) for one in area.hazards["hazard"].unique()]
    usual: dict[str, Any] = {"hazard_level": 1, "return_period": None}
    found = {
        f"hazard:{one}": main.with_changes(hazard=one, **usual)
        for one in ("", *sorted(zoned))
        if one != main.hazard
    }
    timed = standard.limit[1] == "s"
    for walker in (SLOWER, STEPLESS) if timed else (STEPLESS,):
        found[f"walker:{walker}"] = main.with_changes(walker=WALKERS[walker])
    for time, column in TIMES.items():
        if column in area.demand:
            found[f"time:{time}"] = main.with_changes(time=time)
    if area.entrances["emergency_only"].fillna(value=False).any():
        found["gates:emergency"] = main.with_changes(gates="emergency")
    return {name: one for name, one in found.items() if one != main}


def title(words: Words, name: str) -> str:
    """Return the name of a scenario in words; of the main one if it is empty.

    Examples
    --------
    >>> from shelterplan.app.words import Words
    >>> [title(Words("en"), name) for name in ("", "hazard:flood", "hazard:", "gates:emergency")]
    ['As assumed', 'Flood', 'No hazard', 'Emergency gates open']
    """
    what, _, which = name.partition(":")
    if not what:
        return words("sites.as_assumed")
    if name == "hazard:":
        return words("sites.no_hazard")
    if what == "gates":
        text = words.of("assumed", which)
        return text[:1].upper() + text[1:]
    return words.of(what, which)


def chosen(area: StudyArea, settings: Settings) -> tuple[tuple[str, Scenario], ...]:
    """Return the further scenarios of what is asked for now; none if the aim takes none."""
    if settings.objective not in ROBUST:
        return ()
    there = offered(area, settings.scenario(), settings.access_standard())
    return tuple((name, there[name]) for name in there if name in _names(area))


def show(view: View) -> None:
    """Show the list from which further scenarios are chosen."""
    words, area = view.words, view.area
    there = offered(area, view.scenario, view.standard)
    key = "pick_scenarios"
    st.session_state[key] = [name for name in there if name in _names(area)]
    with st.container(key="sites_part_scenarios"):
        st.segmented_control(
            words("sites.scenarios"),
            list(there),
            selection_mode="multi",
            key=key,
            format_func=lambda name: title(words, name),
            on_change=_take,
            args=(area, key),
        )
    said = [words("sites.scenarios_more")]
    if view.standard.limit[1] != "s":
        said.append(words("sites.scenarios_slow"))
    if not st.session_state[key]:
        said.append(words("sites.scenarios_needed"))
    st.html(f"<p class='why'>{escape(' '.join(said))}</p>")


def shares(words: Words, found: Suggestion) -> str:
    """Return what a plan does in each scenario as a table; empty if there is only one."""
    if not found.scenarios:
        return ""
    regret = found.wish.objective == "regret"
    head = [words("sites.scenario"), words("sites.within_reach"), words("sites.share")]
    head += [words("sites.alone"), words("sites.lost")] if regret else []
    rows = []
    for name, one in found.scenarios.items():
        row = [title(words, name), at_least(one.people), percent(one.share) if one.total else "–"]
        if regret:
            lost = max(0.0, one.best_bound - one.people)
            row += [people(one.best_bound), people(lost)]
        rows.append(row)
    said = words("sites.in_scenarios")
    if regret:
        said = f"{said} {words('sites.in_scenarios_regret')}"
    return f"<p>{escape(said)}</p>{table(head, rows, numbers=len(head) - 1)}"


def manifest(scenarios: Iterable[tuple[str, Scenario]]) -> dict[str, Any]:
    """Return the further scenarios as plain values, for a file; nothing if there are none."""
    listed = {name: one.to_dict() for name, one in scenarios}
    return {"scenarios": listed} if listed else {}


def _names(area: StudyArea) -> tuple[str, ...]:
    """Return the names of what this session has chosen in a study area."""
    kept: dict[str, tuple[str, ...]] = st.session_state.setdefault("sites_scenarios", {})
    return kept.get(area.name, ())


def _take(area: StudyArea, key: str) -> None:
    st.session_state["sites_scenarios"][area.name] = tuple(st.session_state[key])
