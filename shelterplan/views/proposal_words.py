"""What a proposal would change, in plain words: made from the numbers of its evaluation alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from shelterplan.views.proposal_telling import Telling, lost, placed, places, signed

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from shelterplan.siting.evaluate import Evaluation
    from shelterplan.siting.suggest import Suggestion
    from shelterplan.study_area import StudyArea

LISTED: Final = 5
"""Names that are listed before the rest is only counted."""
SAME: Final = 0.5
"""Plans that differ by less than this are equally good [people]."""
NOT_ASKED: Final = "not asked for"
"""What an evaluation says when it was not to look for the best plan."""


def paragraph(found: Evaluation, *, language: str, title: str, area: StudyArea) -> str:
    """Return what a proposal would change, in one paragraph.

    Parameters
    ----------
    found : Evaluation
        What was found of it; every number is one of these.
    language : {"en", "zh"}
        Language of the paragraph; names are translated as far as the study area does.
    title : str
        What the proposal is called.
    area : StudyArea
        The place.

    Examples
    --------
    >>> from shelterplan import StudyArea
    >>> from shelterplan.siting.evaluate import evaluate
    >>> area = StudyArea.open("monaco")
    >>> found = evaluate(area, area.candidates.loc[["way/432751852"]], compare=False)
    >>> said = paragraph(found, language="en", title="Park", area=area)
    >>> said[:80]
    '“Park” proposes 1 new shelter in Monaco. It gives 1,228 more people a place near'
    """
    telling = Telling(found, language, title, area)
    return telling.together(parts(telling).values())


def parts(told: Telling) -> dict[str, str]:
    """Return the same sentences by what they are about, without those that say nothing."""
    said = {name: tell(told) for name, tell in _PARTS.items()}
    return {name: text for name, text in said.items() if text}


def _sites(told: Telling) -> str:
    return told.count(
        "sites", len(told.found.sites), title=told.title, area=told.named(told.area.title)
    )


def _gain(told: Telling) -> str:
    before, after, everybody = told.before, told.after, told.everybody
    values = {
        "before": places(before),
        "after": places(after),
        "all": f"{everybody:,.0f}",
        "before_share": told.share(before, everybody),
        "after_share": told.share(after, everybody),
    }
    more = after - before
    if more <= -1e-6:
        return told.say("gain.loss", number=lost(-more), **values)
    if math.floor(more + 1e-6) == 0:
        kept = {key: value for key, value in values.items() if key[:5] != "after"}
        reason = _why_nobody(told)
        said = [told.say("gain.none", **kept), reason and told.say(f"gain.{reason}")]
        return told.together(said)
    return told.count("gain", more, **values)


def _why_nobody(told: Telling) -> str:
    """Return the name of the reason why a proposal gives nobody a place; empty if none is known."""
    sites = told.found.sites
    if told.everybody - told.before < SAME:
        return "everybody"
    if all(told.unused_reason(site) for _, site in sites.iterrows()):
        return "unused"
    sent, had = sites["assigned_population"].sum(), sites["had_place_population"].sum()
    return "had" if sent > 0 and sent - had < SAME else ""


def _walks(told: Telling) -> str:
    table = told.found.communities
    people, minutes = float(table["shorter_people"].sum()), told.found.saved_person_min
    if people < 1 - 1e-6:
        said = told.say("walks.none")
    elif math.floor(people + 1e-6) == 1:
        said = told.count("walks", people, each=f"{minutes / people:,.1f}")
    else:
        said = told.count("walks", people, each=f"{minutes / people:,.1f}", total=f"{minutes:,.0f}")
    again = float(table["reconnected_people"].sum())
    more = told.count("reconnected", again) if again >= 1 - 1e-6 else ""
    return told.together((said, more))


def _winners(told: Telling) -> str:
    table = told.found.communities
    return _changed(told, table[table["newly_people"] >= 1 - 1e-6], "newly_people", "winners")


def _losers(told: Telling) -> str:
    table = told.found.communities
    worse = table[table["lost_people"] > 1e-6]
    return _changed(told, worse, "lost_people", "losers") or told.say("losers.none")


def _changed(told: Telling, table: pd.DataFrame, column: str, key: str) -> str:
    """Name the communities that are better or worse off, those with the most people first."""
    if table.empty:
        return ""
    first = table.sort_values(column, ascending=False, kind="stable").head(LISTED)
    sign, number = ("item.more", places) if key == "winners" else ("item.less", lost)
    listed = told.listed(
        told.say(sign, name=told.named(name), number=number(count))
        for name, count in zip(first["name"], first[column], strict=True)
    )
    if len(table) == len(first):
        return told.say(f"{key}.list", list=listed)
    return told.count(key, len(table) - len(first), list=listed)


def _groups(told: Telling) -> str:
    items = []
    for group, row in told.found.groups.iterrows():
        before, after, everybody = row["before_people"], row["after_people"], row["population"]
        if everybody > 0:
            items.append(
                told.say(
                    "groups.item",
                    name=told.word("group", str(group)),
                    change=signed(after - before),
                    before=told.share(before, everybody),
                    after=told.share(after, everybody),
                )
            )
    return told.say("groups.list", list=told.listed(items, longer=True)) if items else ""


def _use(told: Telling) -> str:
    sites = told.found.sites
    sent = float(sites["assigned_population"].sum())
    if sites["assigned_population"].isna().all() or sent < 1 - 1e-6:
        return ""
    had = float(sites["had_place_population"].sum())
    said = told.count("use", sent, had=places(had)) if had >= SAME else told.count("use_new", sent)
    return told.together((said, _relieved(told)))


def _relieved(told: Telling) -> str:
    table = told.found.shelters
    if "relieved_people" not in table:
        return ""
    less = table[table["relieved_people"] >= 1 - 1e-6]
    if less.empty:
        moved = float(told.found.sites["had_place_population"].sum()) >= 1
        return told.say("relieved.same" if moved else "relieved.none")
    most = less.sort_values("relieved_people", ascending=False, kind="stable").iloc[0]
    number = places(float(most["relieved_people"]))
    return told.count("relieved", len(less), name=told.named(most["name"]), most=number)


def _unused(told: Telling) -> str:
    reasons = [
        told.say("unused.site", name=told.named(site["name"]), reason=reason)
        for _, site in told.found.sites.iterrows()
        if (reason := told.unused_reason(site))
    ]
    if len(reasons) > LISTED:
        reasons = [*reasons[:LISTED], told.count("unused", len(reasons) - LISTED)]
    return told.together(reasons)


def _room(told: Telling) -> str:
    if told.scenario.get("room") == "ignored":
        return told.say("room.ignored")
    unknown = [
        told.say(f"room.{name}", number=int(room.isna().sum()), all=len(room))
        for name, room in (
            ("sites", told.found.sites["room"]),
            ("shelters", told.found.shelters["room"]),
        )
        if room.isna().any()
    ]
    if not unknown:
        return ""
    return told.say(f"room.{told.found.counted}", list=told.say("room.and").join(unknown))


def _best(told: Telling) -> str:
    other, why = told.found.alternative, told.found.why_no_alternative
    if other is None:
        return told.say("best.none", why=why.rstrip(".")) if why and why != NOT_ASKED else ""
    gain = placed(other.after.total, told.found.counted) - told.before
    more = gain - (told.after - told.before)
    values = {"terms": terms(told, other), "pool": f"{int(other.candidates['suitable'].sum()):,}"}
    if more <= -SAME:
        out = _ruled_out(told, other)
        said = told.say("best.fewer", terms=values["terms"], number=places(gain), less=lost(-more))
        return told.together((said, out))
    if more >= SAME:
        values |= {"number": places(gain), "more": places(more)}
    same = "same_" if more < SAME else ""
    said = (
        told.say(f"best.{same}proven", **values)
        if other.result.optimal
        else told.say(f"best.{same}found", bound=lost(other.result.bound - told.before), **values)
    )
    return told.together((said, _of_unknown_room(told, other)))


def _of_unknown_room(told: Telling, other: Suggestion) -> str:
    """Say that a plan is compared whose sites have as much room as anybody likes."""
    unknown = int(other.sites["room"].isna().sum()) if "room" in other.sites else 0
    if not unknown or told.found.counted != "possible" or other.scenario.room == "ignored":
        return ""
    return told.say("best.unknown", number=f"{unknown:,}")


def terms(told: Telling, other: Suggestion) -> str:
    """Say on what terms another plan is compared: as many sites, or the same cost."""
    if other.wish.budget is not None:
        return told.say("terms.cost", cost=f"{other.wish.budget:,g}")
    return told.count("terms", len(told.found.sites))


def _ruled_out(told: Telling, other: Suggestion) -> str:
    """Name the proposal's own sites that the rules for new sites leave out."""
    mine = other.candidates.reindex(told.found.sites.index)
    out = mine.index[~mine["suitable"].fillna(value=False).astype(bool)]
    if not len(out):
        return ""
    names = [told.named(name) for name in told.found.sites.loc[out, "name"][:LISTED]]
    return told.say("best.ruled_out", list=told.listed(names))


def _hazards(told: Telling) -> str:
    table = told.found.hazards
    if len(table) < 2:
        return ""
    items = [
        f"{told.hazard(hazard)} {signed(more)}" for hazard, more in table["newly_people"].items()
    ]
    return told.say("hazards.list", list=told.listed(items))


def _interval(told: Telling) -> str:
    if told.found.interval.empty:
        return ""
    ordered = told.found.interval["newly_people"].sort_values(kind="stable")
    names, more = [str(name) for name in ordered.index], ordered.to_numpy(float)
    low, high = signed(more[0]), signed(more[-1])
    if len(more) > 1 and low == high:
        return told.count("interval_same", len(more), low=low)
    values = {"low": low, "low_name": names[0]}
    if len(more) > 1:
        values |= {"high": high, "high_name": names[-1]}
    return told.count("interval", len(more), **values)


def _equity(told: Telling) -> str:
    rows = {str(name): row for name, row in told.found.equity.iterrows()}
    said = []
    gini, worst = rows.get("gini"), rows.get("worst_district")
    if gini is not None and gini["verdict"] in {"better", "worse", "same"}:
        values = {"before": f"{gini['before']:.3f}", "after": f"{gini['after']:.3f}"}
        same = values["before"] == values["after"]
        said.append(told.say(f"equity.{'same' if same else gini['verdict']}", **values))
    known = worst is not None and math.isfinite(worst["before"]) and math.isfinite(worst["after"])
    if worst is not None and known and len(told.found.districts) > 1:
        said.append(_district(told, worst))
    return told.together(said)


def _district(told: Telling, row: pd.Series[Any]) -> str:
    values = {
        "name": told.named(row["place_after"]),
        "before": told.share(float(row["before"])),
        "after": told.share(float(row["after"])),
    }
    if row["place_before"] == row["place_after"]:
        return told.say("equity.district_same", **values)
    before = told.named(row["place_before"])
    return told.say("equity.district_other", name_before=before, **values)


def assumptions(told: Telling) -> str:
    """Say under which assumptions a proposal was looked at."""
    given, walker = told.scenario, told.scenario["walker"]
    hazard = str(given.get("hazard", ""))
    items = [told.hazard(hazard)]
    if hazard:
        level, years = int(given.get("hazard_level", 1)), given.get("return_period")
        items.append(told.word("assumed", str(given.get("phase", "during"))))
        items += [told.say("assumed.level", number=level)] if level > 1 else []
        items += [told.say("assumed.years", number=f"{years:,g}")] if years else []
    items.append(told.word("walker", str(walker["name"])))
    if given.get("time") in {"day", "night"}:
        items.append(told.say(f"assumed.{given['time']}"))
    if given.get("delay_s"):
        items.append(told.say("assumed.delay", minutes=f"{given['delay_s'] / 60:g}"))
    items += [
        told.say(f"assumed.{value}")
        for name, value in (
            ("gates", "emergency"),
            ("unknown_fitness", "refuse"),
            ("room", "nearest"),
            ("room", "ignored"),
        )
        if given.get(name) == value
    ]
    shut = sum(len(given.get(f"closed_{kind}", ())) for kind in ("streets", "areas", "shelters"))
    items += [told.say("assumed.closed", number=shut)] if shut else []
    return told.say("assumed.list", list=told.listed(items, longer=True))


def _standard(told: Telling) -> str:
    certainty = str(told.standard.get("certainty", "own choice")).replace(" ", "_")
    values = {"limit": told.limit()}
    if certainty != "own_choice":
        values["name"] = told.word("standard", str(told.standard.get("name", "")))
    return told.say(f"certainty.{certainty}", **values)


def _illustrative(told: Telling) -> str:
    tables = set(told.area.illustrative)
    if not told.scenario.get("hazard") and len(told.found.hazards) < 2:
        tables -= {"hazards"}
    if not tables:
        return ""
    names = told.listed(told.word("illustrative", name) for name in sorted(tables))
    return told.say("illustrative.note", list=names)


_PARTS: Final[dict[str, Callable[[Telling], str]]] = {
    "sites": _sites,
    "gain": _gain,
    "walks": _walks,
    "winners": _winners,
    "losers": _losers,
    "groups": _groups,
    "use": _use,
    "unused": _unused,
    "room": _room,
    "best": _best,
    "hazards": _hazards,
    "interval": _interval,
    "equity": _equity,
    "assumed": assumptions,
    "standard": _standard,
    "illustrative": _illustrative,
}
"""What is said, in this order."""
