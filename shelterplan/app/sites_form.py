"""What is asked of new sites: the form, and what was kept or forbidden by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any, get_args

import streamlit as st

from shelterplan.app import settings, sites_scenarios
from shelterplan.app.markup import plain
from shelterplan.app.sites_told import site_name
from shelterplan.app.sites_work import Request
from shelterplan.scenario import WORST_LEVEL
from shelterplan.siting.candidates import SuitabilityRules
from shelterplan.siting.suggest import ROBUST, Objective, Wish

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shelterplan.app.gaps_view import View
    from shelterplan.app.settings import Settings
    from shelterplan.app.words import Words
    from shelterplan.study_area import StudyArea

OBJECTIVES: tuple[str, ...] = get_args(Objective)
"""What can be done best."""
AMONG = ("all", "at_risk")
"""Of whom a quota is a share; the usual one first."""
LARGEST_M2 = 1_000_000
"""Largest area that may be asked of a site [m2]."""


@dataclass(frozen=True, slots=True)
class Picks:
    """Sites that somebody wants in every plan, or in none."""

    keep: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()

    def with_kept(self, site: str) -> Picks:
        """Return the picks with a site that must be in the plan.

        Examples
        --------
        >>> Picks(forbid=("a", "b")).with_kept("a")
        Picks(keep=('a',), forbid=('b',))
        """
        free = self.without(site)
        return replace(free, keep=(*free.keep, site))

    def with_forbidden(self, site: str) -> Picks:
        """Return the picks with a site that must not be in the plan."""
        free = self.without(site)
        return replace(free, forbid=(*free.forbid, site))

    def without(self, site: str) -> Picks:
        """Return the picks with a site that may be in the plan or not."""
        return Picks(
            keep=tuple(one for one in self.keep if one != site),
            forbid=tuple(one for one in self.forbid if one != site),
        )


def picks(area: StudyArea) -> Picks:
    """Return what this session has kept and forbidden in a study area."""
    kept: dict[str, Picks] = st.session_state.setdefault("sites_picks", {})
    found = kept.get(area.name, Picks())
    there = area.candidates.index
    return Picks(
        keep=tuple(one for one in found.keep if one in there),
        forbid=tuple(one for one in found.forbid if one in there),
    )


def pick(area: StudyArea, chosen: Picks) -> None:
    """Take note of what is kept and forbidden."""
    st.session_state.setdefault("sites_picks", {})[area.name] = chosen
    st.session_state["sites_stale"] = True


def rules() -> SuitabilityRules:
    """Return what this session asks of a site."""
    found: SuitabilityRules = st.session_state.setdefault("sites_rules", SuitabilityRules())
    return found


def request(view: View) -> Request:
    """Return what is asked for now."""
    chosen: Settings = st.session_state["settings"]
    return Request(
        area=view.area.name,
        version=view.area.version,
        scenario=view.scenario,
        standard=view.standard,
        wish=wish(view.area, chosen),
        rules=rules(),
        scenarios=sites_scenarios.chosen(view.area, chosen),
    )


def ready(view: View) -> bool:
    """Return whether enough is said to look for sites: an aim for several scenarios needs some."""
    chosen: Settings = st.session_state["settings"]
    return chosen.objective not in ROBUST or bool(sites_scenarios.chosen(view.area, chosen))


def wish(area: StudyArea, chosen: Settings) -> Wish:
    """Return the wish of the settings and of what is kept and forbidden."""
    mine = picks(area)
    everyone = chosen.objective == "everyone"
    budget = chosen.plan_by == "budget" and costs_known(area)
    fewest = max(1, len(mine.keep))
    quota = bool(chosen.quota) and chosen.objective == "people"
    return Wish(
        sites=None if everyone or budget else max(chosen.sites, fewest),
        budget=float(chosen.budget) if budget and not everyone else None,
        objective=chosen.objective,  # type: ignore[arg-type]
        quota=chosen.quota / 100 if quota else None,
        quota_among=among() if quota and zones_known(area, chosen.hazard) else "all",  # type: ignore[arg-type]
        counted="possible" if chosen.room == "ignored" else chosen.counted,  # type: ignore[arg-type]
        keep=mine.keep,
        forbid=mine.forbid,
        time_limit_s=float(chosen.seconds),
    )


def among() -> str:
    """Return of whom a quota is a share in this session."""
    found: str = st.session_state.get("sites_among", AMONG[0])
    return found


def zones_known(area: StudyArea, hazard: str) -> bool:
    """Return whether it is known who is in a zone of a hazard."""
    return bool((area.hazards["hazard"] == hazard).any())


def costs_known(area: StudyArea) -> bool:
    """Return whether a budget can be given: every candidate has a cost."""
    return bool(len(area.candidates) and area.candidates["cost"].notna().all())


def show(view: View) -> bool:
    """Show the form; return whether the button was pressed."""
    words, area = view.words, view.area
    chosen: Settings = st.session_state["settings"]
    with st.container(key="sites_form"):
        with st.container(key="sites_what", horizontal=True, vertical_alignment="bottom"):
            _select(
                words("sites.objective"),
                "objective",
                lambda one: words.of("objective", one),
                OBJECTIVES,
            )
            if chosen.objective != "everyone":
                _how_many(words, area, chosen)
            if chosen.room != "ignored":
                _select(words("sites.counted"), "counted", lambda one: words.of("counted", one))
        st.html(f"<p class='why'>{escape(words.of('objective_more', chosen.objective))}</p>")
        if chosen.objective in ROBUST:
            sites_scenarios.show(view)
        with st.expander(words("sites.more")):
            _more(words, view, chosen)
        picked(view)
        return st.button(
            words("sites.find"), key="sites_find", type="primary", disabled=not ready(view)
        )


def _how_many(words: Words, area: StudyArea, chosen: Settings) -> None:
    """Show the number of sites, or what they may cost."""
    budget = False
    if costs_known(area):
        _select(words("sites.plan_by"), "plan_by", lambda one: words.of("plan_by", one))
        budget = chosen.plan_by == "budget"
    _number(
        words("sites.budget") if budget else words("sites.sites"), "budget" if budget else "sites"
    )


def _more(words: Words, view: View, chosen: Settings) -> None:
    """Show what need not be asked: the quota, the time, and what makes a site suitable."""
    area = view.area
    with st.container(key="sites_more", horizontal=True, vertical_alignment="bottom"):
        if chosen.objective == "people":
            _number(words("sites.quota"), "quota", step=5)
            if chosen.quota and zones_known(area, chosen.hazard):
                _among(words)
        _select(words("sites.seconds"), "seconds", lambda one: words("sites.up_to", seconds=one))
    st.html(f"<p><strong>{escape(words('sites.rules'))}</strong></p>")
    mine = rules()
    with st.container(key="sites_rules_form", horizontal=True, vertical_alignment="bottom"):
        if view.scenario.hazard:
            levels = list(range(1, WORST_LEVEL + 1))
            _rule_select(
                words("sites.rule_level"),
                "hazard_level",
                levels,
                lambda n: words.of("zone_level", str(n)),
            )
        _rule_select(
            words("sites.rule_ways"), "min_ways_in", [0, 1, 2], lambda n: words.of("ways", str(n))
        )
        _rule_number(words("sites.rule_area"), "min_area_m2", mine.min_area_m2, LARGEST_M2, 100)
        _rule_number(
            words("sites.rule_near"),
            "min_shelter_distance_m",
            mine.min_shelter_distance_m,
            settings.LONGEST_M,
            50,
        )


def picked(view: View) -> None:
    """Show what is kept and forbidden, each with a button that takes it back."""
    words, area, mine = view.words, view.area, picks(view.area)
    if not mine.keep and not mine.forbid:
        return
    with st.container(key="sites_picked", horizontal=True):
        for position, site in enumerate((*mine.keep, *mine.forbid)):
            name = plain(site_name(words, area.candidates.loc[site, "name"]))
            kept = site in mine.keep
            st.button(
                words("sites.unkeep", name=name) if kept else words("sites.unforbid", name=name),
                key=f"unpick_{position}",
                on_click=pick,
                args=(area, mine.without(site)),
            )


def _among(words: Words) -> None:
    """Show of whom the quota is a share."""
    key = "pick_among"
    st.session_state[key] = among()
    st.selectbox(
        words("sites.among"),
        AMONG,
        key=key,
        format_func=lambda one: words.of("sites_among", one),
        on_change=_take_among,
        args=(key,),
    )


def _take_among(key: str) -> None:
    st.session_state["sites_among"] = st.session_state[key]


def _select(
    label: str, field: str, named: Callable[[str], str], options: Sequence[str] = ()
) -> None:
    st.selectbox(
        label,
        options or settings.WORDS[field],
        key=settings.pick(field),
        format_func=named,
        on_change=settings.take,
        args=(field,),
    )


def _number(label: str, field: str, *, step: int = 1) -> None:
    low, high = settings.NUMBERS[field]
    st.number_input(
        label,
        low,
        high,
        step=step,
        key=settings.pick(field),
        on_change=settings.take,
        args=(field,),
    )


def _rule_select(
    label: str, field: str, options: Sequence[int], named: Callable[[int], str]
) -> None:
    key = f"rule_{field}"
    st.session_state[key] = getattr(rules(), field)
    st.selectbox(
        label, options, key=key, format_func=named, on_change=_take_rule, args=(field, key)
    )


def _rule_number(label: str, field: str, value: float | None, most: int, step: int) -> None:
    key = f"rule_{field}"
    st.session_state[key] = int(value or 0)
    st.number_input(label, 0, most, step=step, key=key, on_change=_take_rule, args=(field, key))


def _take_rule(field: str, key: str) -> None:
    """Take over a rule; 0 metres or square metres is no rule."""
    value: Any = st.session_state[key]
    if field in {"min_area_m2", "min_shelter_distance_m"}:
        value = float(value) or None
    st.session_state["sites_rules"] = replace(rules(), **{field: value})
