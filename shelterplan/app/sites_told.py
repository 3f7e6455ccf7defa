"""What a planner is told about new sites, in words and small pieces of a page: pure functions."""

from __future__ import annotations

import math
import re
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from shelterplan.app.figures import people, percent
from shelterplan.app.gaps_told import whole
from shelterplan.siting.suggest import ROBUST

if TYPE_CHECKING:
    import geopandas as gpd

    from shelterplan.app.jobs import Job
    from shelterplan.app.words import Words
    from shelterplan.siting.suggest import Suggestion

_BEST = re.compile(r"([\d,]+) (?:covered|people), at most ([\d,]+)")
"""How the library tells the best plan and the bound while it looks for people to cover."""
CROWD = 3
"""Names that are listed before the rest is only counted."""


def at_least(count: float) -> str:
    """Return a number of people who gain something; a part of a person is nobody.

    Examples
    --------
    >>> at_least(1234.9), at_least(0.5)
    ('1,234', '0')
    """
    return f"{math.floor(count + 1e-6):,}"


def progress(words: Words, job: Job, *, counts_people: bool) -> str:
    """Say how far a search has come; the library's figures only where they are people."""
    if not job.stage:
        return words("sites.waiting")
    seconds = f"{job.seconds:.0f}"
    if job.share <= 0:
        return words("sites.preparing", seconds=seconds)
    found = _BEST.search(job.stage) if counts_people else None
    if found is None:
        return words("sites.searching", seconds=seconds)
    best, bound = (f"{int(number.replace(',', '')):,}" for number in found.groups())
    return words("sites.so_far", best=best, bound=bound, seconds=seconds)


def headline(words: Words, found: Suggestion, *, sure: str) -> str:
    """Say what a plan does, and how sure (see `proof`) it is that no other does better."""
    before, after = placed(found)
    gain = after - before
    count = len(found.sites)
    if not count:
        place = found.wish.objective in {"people", "need", "everyone"}
        line = words("sites.no_sites") if place else words("sites.no_better")
    else:
        line = words.count(
            "sites_gain",
            count,
            people=at_least(gain),
            before=percent(found.share_before),
            after=percent(found.share_after),
        )
    more = [achieved(words, found), sure]
    more += [words("sites.took", seconds=_seconds(found.result.seconds))]
    more += [counted(words, found)]
    if found.left_out_people > 0:
        more.append(words("sites.left_out", people=people(found.left_out_people)))
    css = "answer" if count and gain > 0 else "problem"
    texts = (" ".join(filter(None, more)), *reasons(words, found))
    said = "".join(f"<p>{escape(text)}</p>" for text in texts)
    return f"<div class='status {css}' role='status'><p class='line'>{escape(line)}</p>{said}</div>"


def achieved(words: Words, found: Suggestion) -> str:
    """Say what a plan reaches where it is not people with a place that it was to reach."""
    value = found.result.objective
    kept = ""
    if found.kept_places:
        kept = words("sites.worst_kept", share=percent(found.worst_share_after))
    if found.wish.objective == "fair" and math.isfinite(value):
        return f"{words('sites.worst_then', share=percent(value))} {kept}".strip()
    if kept:
        return kept
    if found.wish.objective in ROBUST and math.isfinite(value):
        count = at_least(value) if found.wish.objective == "expected" else people(math.ceil(value))
        share = percent(min(1.0, value))
        return words.of("sites_achieved", found.wish.objective, people=count, share=share)
    if found.wish.objective == "longest" and found.unit in {"m", "s"} and math.isfinite(value):
        walk = words.distance(value) if found.unit == "m" else words.minutes(value)
        return words("sites.longest_then", walk=walk)
    return ""


def placed(found: Suggestion) -> tuple[float, float]:
    """Return the people who have a place before and after, as the plan counts them."""
    column = found.counted_column
    return float(found.before.total[column]), float(found.after.total[column])


def proof(words: Words, found: Suggestion, *, stopped: bool) -> str:
    """Say whether a plan is proven to be the best, or by how much another could be better."""
    result, objective = found.result, found.wish.objective
    if result.optimal:
        return words.of("sites_optimal", objective)
    if not math.isfinite(result.gap):
        said = words("sites.no_bound")
    elif objective == "people":
        more = math.ceil(abs(result.bound - result.objective) - 1e-6)
        said = words("sites_gap.people", people=people(more), gap=_gap(result.gap))
    elif objective == "regret":
        fewer = math.ceil(abs(result.objective - result.bound) - 1e-6)
        said = words("sites_gap.regret", people=people(fewer))
    elif objective in {"fair", "worst"}:
        points = math.ceil(abs(result.bound - result.objective) * 1000 - 1e-6) / 10
        said = words.of("sites_gap", objective, points=f"{points:g}")
    else:
        said = words.of("sites_gap", objective, gap=_gap(result.gap))
    return f"{words('sites.stopped')} {said}" if stopped else said


def counted(words: Words, found: Suggestion) -> str:
    """Say how room was counted."""
    if found.after.manifest.get("scenario", {}).get("room") == "ignored":
        return words("gaps.room_ignored")
    said = words.of("sites_counted", found.wish.counted)
    unknown = int(found.sites["room"].isna().sum())
    return f"{said} {words.count('sites_unknown', unknown)}" if unknown else said


def reasons(words: Words, found: Suggestion) -> list[str]:
    """Say why there are no sites, or fewer than asked for; Chinese as far as we have it."""
    wanted = found.wish.sites
    fewer = wanted is not None and 0 < len(found.sites) < wanted
    said = [words("sites.fewer", number=len(found.sites), wanted=wanted)] if fewer else []
    return said + [reason(words, text) for text in found.reasons]


def reason(words: Words, text: str) -> str:
    """Return one of the library's reasons in the words' language, as it stands if there is none."""
    if words.lang == "en":
        return text
    for name, pattern in _REASONS.items():
        match = re.fullmatch(pattern, text)
        if match:
            return words.of("sites_reason", name, **match.groupdict())
    return text


_REASONS = {
    "none_given": r"There are no candidate sites: .*",
    "everybody": r"Everybody has a place already\.",
    "none_suitable": r"None of the (?P<number>[\d,]+) candidates is suitable: .*",
    "all_out": r"All (?P<number>[\d,]+) candidates .*",
    "full": r"The candidates near people without a place have no room\.",
    "no_way": r"No candidate can be reached by anybody without a place\.",
    "too_far": r"No candidate is within (?P<limit>.+) of anybody without a place\.",
    "no_more": r"no further candidate would make it better",
    "no_further": r"no further candidate would give a place to anybody who has none",
    "off": r"(?P<number>[\d,]+) communit(y is|ies are) off the network \((?P<names>.*)\): .*",
}
"""Sentences of `siting.why_none`, by the names of their Chinese texts."""


def proposed(words: Words, found: Suggestion) -> str:
    """Return the title of a plan that is taken as a proposal."""
    objective = words.of("objective", found.wish.objective)
    return words("sites.proposal_title", number=len(found.sites), objective=objective)


def urgent(words: Words, table: gpd.GeoDataFrame | pd.DataFrame, names: list[str]) -> str:
    """Name the communities of high risk that are under-served, the most urgent first."""
    shown = words.listed(names[:CROWD])
    rest = len(names) - CROWD
    if rest > 0:
        shown = words("sites.and_more", names=shown, number=rest)
    line = words(
        "priority.query", number=len(names), people=people(float(table["gap_population"].sum()))
    )
    return f"<p><strong>{escape(line)}</strong> {escape(shown)}</p>"


def steps(words: Words, found: Suggestion, sure: dict[str, str] | None = None) -> pd.DataFrame:
    """Return the sites of a plan in the order to build them, under their titles."""
    sites = found.sites
    people_all = float(found.before.total["population"])
    kinds = [words.of("kind", str(kind)) if pd.notna(kind) else "" for kind in sites["kind"]]
    columns = {
        words("sites.column_step"): sites["step"].astype(int),
        words("sites.column_site"): [site_name(words, name) for name in sites["name"]],
        words("sites.column_new"): sites["newly_covered_population"].map(lambda n: int(n + 1e-6)),
        words("sites.column_after"): [
            math.floor(share * 1000 + 1e-9) / 10
            for share in sites["covered_after"] / (people_all or 1.0)
        ],
        words("sites.column_kind"): kinds,
    }
    if sites["room"].notna().any() if "room" in sites else False:
        columns[words("shelters.room")] = sites["room"].round().astype("Int64")
    if sites["cost"].notna().any():
        columns[words("sites.column_cost")] = sites["cost"]
    if sure is not None:
        columns[words("sites.column_sure")] = [
            words.of("sites_sure", sure.get(str(site), "unknown")) for site in sites.index
        ]
    return pd.DataFrame(columns, index=sites.index)


def candidates(words: Words, table: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return every candidate with what decides whether it can be chosen, under their titles."""
    yes, no = words("sites.yes"), words("sites.no")
    distance = table["nearest_shelter_m"].map(
        lambda m: math.floor(m) if math.isfinite(m) else pd.NA
    )
    return pd.DataFrame(
        {
            words("sites.column_site"): [site_name(words, name) for name in table["name"]],
            words("sites.column_fit"): [yes if fit else no for fit in table["suitable"]],
            words("sites.column_why"): [rule(words, name) for name in table["reason"]],
            words("sites.column_doubts"): [doubts(words, text) for text in table["doubts"]],
            words("sites.column_kind"): [
                words.of("kind", str(kind)) if pd.notna(kind) else "" for kind in table["kind"]
            ],
            words("sites.column_area"): table["area_m2"].astype("Float64").round().astype("Int64"),
            words("shelters.room"): table["room"].round().astype("Int64"),
            words("sites.column_cost"): table["cost"],
            words("sites.column_level"): table["hazard_level"],
            words("sites.column_ways"): table["ways_in"],
            words("sites.column_near"): distance.astype("Int64"),
            words("sites.column_slope"): table["slope"].astype("Float64") * 100,
        },
        index=table.index,
    )


def rule(words: Words, name: str) -> str:
    """Return the rule that leaves a candidate out, in words; empty for none."""
    return words.of("sites_rule", str(name)) if name else ""


def doubts(words: Words, text: str) -> str:
    """Return what is not known of a candidate, in words."""
    return words.listed([words.of("sites_doubt", name) for name in str(text).split(", ") if name])


def site_name(words: Words, name: Any) -> str:  # noqa: ANN401 - a name, or none
    """Return the name of a site in the words' language."""
    return words.translated(str(name)) if pd.notna(name) else words("sites.unnamed")


def served(words: Words, table: pd.DataFrame) -> pd.DataFrame:
    """Return whose people have their place at a site, and how far half of them walk at most."""

    def walk(distance_m: float) -> str:
        finite = math.isfinite(distance_m)
        return words.distance(distance_m) if finite else words("sites.no_way")

    return pd.DataFrame(
        {
            words("gaps.column_name"): table["name"].map(words.translated),
            words("sites.column_here"): whole(table["here_people"]),
            words("sites.column_lacked"): whole(table["lacked_people"]),
            words("sites.column_before"): table["before"].map(walk),
            words("sites.column_now"): table["after"].map(walk),
        },
        index=table.index,
    )


def wished(words: Words, found: Suggestion) -> str:
    """Say what was asked for, in one line."""
    wish = found.wish
    said = [words.of("objective", wish.objective)]
    if wish.sites is not None:
        said.append(words.count("sites_number", wish.sites))
    if wish.budget is not None:
        said.append(words("sites.within_budget", budget=f"{wish.budget:,.0f}"))
    if wish.quota is not None:
        among = "at_risk" if wish.quota_among == "at_risk" else "all"
        said.append(words.of("sites_quota", among, share=percent(wish.quota)))
    if found.scenarios:
        said.append(words("sites.with_scenarios", number=len(found.scenarios)))
    if wish.keep:
        said.append(words("sites.with_kept", number=len(wish.keep)))
    if wish.forbid:
        said.append(words("sites.with_forbidden", number=len(wish.forbid)))
    return words("sites.asked", list=words.listed(said, longer=True))


def _gap(gap: float) -> str:
    """Return a gap in per cent, rounded up."""
    percent_up = math.ceil(gap * 1000 - 1e-6) / 10
    return f"{percent_up:g}\u00a0%"


def _seconds(seconds: float) -> str:
    """Return how long a search took."""
    return f"{max(0.1, seconds):.1f}"


def who(found: Suggestion, site: str) -> pd.DataFrame:
    """Return, by community, who has a place at a site of a plan, and how far they walk.

    Parameters
    ----------
    found : Suggestion
        The plan.
    site : str
        One of its sites.

    Returns
    -------
    DataFrame
        One row a community, most people first: `name`, `here_people` (have their place at the
        site, or are nearest to it where room is not looked at), `lacked_people` (those of them who
        live where there was no place before, in proportion), `before` and `after` (walk of half of
        them at most, to the nearest fit shelter before and to this site [m]; `inf`: no way).
    """
    after = found.after.demand
    ignored = found.after.manifest.get("scenario", {}).get("room") == "ignored"
    home = after["shelter_id"] if ignored else after["assigned_id"]
    fine = after["status"].isin(_placed_statuses(found))
    rows = after[(home == site).to_numpy(bool) & fine.to_numpy(bool)]
    distance = rows["distance_m"] if ignored else rows["assigned_distance_m"]
    first = found.before.demand.groupby(level=0)["distance_m"].first().astype(float)
    without = _lacking(found)
    table = pd.DataFrame(
        {
            "community_id": rows["community_id"],
            "people": rows["population"].astype(float),
            "lacked": rows["population"] * without.reindex(rows.index).fillna(0.0),
            "before": first.reindex(rows.index),
            "after": distance.astype(float),
        }
    )
    names = found.before.communities["name"]
    made = [
        {
            "community_id": community,
            "name": names.get(community, str(community)),
            "here_people": part["people"].sum(),
            "lacked_people": part["lacked"].sum(),
            "before": half(part["before"], part["people"]),
            "after": half(part["after"], part["people"]),
        }
        for community, part in table.groupby("community_id", sort=False)
    ]
    columns = ["community_id", "name", "here_people", "lacked_people", "before", "after"]
    listed = pd.DataFrame(made, columns=columns).set_index("community_id")
    return listed.sort_values("here_people", ascending=False, kind="stable")


def _placed_statuses(found: Suggestion) -> tuple[str, ...]:
    possible = found.wish.counted == "possible"
    return ("covered", "capacity_unknown") if possible else ("covered",)


def _lacking(found: Suggestion) -> pd.Series[Any]:
    """Return the share of the people at each demand point who had no place before."""
    before = found.before.demand
    had = before["population"].where(before["status"].isin(_placed_statuses(found)), 0.0)
    everybody = before["population"].groupby(level=0).sum()
    lacking: pd.Series[Any] = 1 - had.groupby(level=0).sum() / everybody.where(everybody > 0, 1.0)
    return lacking


def half(values: pd.Series[Any], counts: pd.Series[Any]) -> float:
    """Return the least value that at least half of the people do not exceed.

    Examples
    --------
    >>> half(pd.Series([100.0, 900.0]), pd.Series([1, 3]))
    900.0
    """
    if not counts.sum() > 0:
        return math.inf
    walks, people_there = values.to_numpy(float), counts.to_numpy(float)
    order = np.argsort(walks, kind="stable")
    reached = people_there[order].cumsum() >= people_there.sum() / 2
    return float(walks[order][int(reached.argmax())])
