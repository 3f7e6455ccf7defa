"""The tables of a report: plain columns, nothing rounded, everything that the report tells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from unicodedata import category

import numpy as np
import pandas as pd

from shelterplan.coverage import STATUSES
from shelterplan.siting.result import SitingResult
from shelterplan.situation import active_zones
from shelterplan.study_area import ATTRIBUTION
from shelterplan.views.exports import plain
from shelterplan.views.proposal_words import assumptions
from shelterplan.views.report.voice import unit_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shelterplan.scenario import Scenario
    from shelterplan.siting.evaluate import Evaluation
    from shelterplan.views.report.voice import Voice

Tables = dict[str, pd.DataFrame]
UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Categories of signs that are not printed."""
TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Signs that turn the direction of a text."""
_GROUND = ("capacity", "area_m2", "wheelchair", "status", "verified", "source")
"""What the study area says of a shelter, beside how it is used."""


def of_plan(
    voice: Voice,
    scenario: Scenario,
    graded: pd.DataFrame,
    ranking: pd.DataFrame,
    fairness: pd.DataFrame,
    missing: pd.DataFrame,
) -> Tables:
    """Return the tables of an analysis, by name, in the order of the report."""
    plan, area = voice.found.before, voice.area
    outlines = plan.communities[["district", "geometry"]].dissolve("district")
    grade = graded["grade"]
    districts = outlines.join(plan.districts).assign(grade=grade.reindex(outlines.index))
    communities = plan.communities.assign(
        grade=grade.reindex(plan.communities["district"]).to_numpy(object)
    )
    shelters = area.shelters[[*_GROUND, "geometry"]].join(plan.shelters)
    hazards = area.hazards.assign(counted=active_zones(area, scenario))
    first = ["hazard", "level", "return_period", "source", "counted", "geometry"]
    return {
        "totals": _totals(plan.total),
        "statuses": _statuses(plan.total),
        "districts": _last(districts, "geometry"),
        "communities": _last(communities, "geometry"),
        "priority": ranking.drop(columns="left_out", errors="ignore"),
        "shelters": _last(shelters, *_GROUND, "geometry"),
        "hazard_zones": hazards[first],
        "equity": fairness,
        "grades": graded,
        "unknowns": missing.set_index("topic"),
        "sources": pd.DataFrame(
            [asdict(source) for source in area.sources],
            columns=["table", "name", "date", "licence", "sha256", "note"],
        ).set_index("table"),
    }


def _last(table: Any, *names: str) -> Any:  # noqa: ANN401 - a table in, a table of its kind out
    """Return a table with some columns at its end."""
    return table[[*(name for name in table.columns if name not in names), *names]]


def _totals(total: pd.Series[Any]) -> pd.DataFrame:
    """Return the figures of the whole study area, one a row."""
    return pd.DataFrame(
        {"value": total.astype(float), "unit": [unit_of(str(name)) for name in total.index]}
    ).rename_axis("figure")


def _statuses(total: pd.Series[Any]) -> pd.DataFrame:
    """Return the people of each status, who add up to all."""
    people = np.array([float(total[f"{status}_population"]) for status in STATUSES])
    everybody = float(total["population"])
    share = people / everybody if everybody else np.full(len(people), np.nan)
    index = pd.Index(STATUSES, name="status")
    return pd.DataFrame({"population": people, "people_share": share}, index=index)


def of_proposals(proposals: Sequence[tuple[str, Evaluation]]) -> Tables:
    """Return the tables of proposals, by name; each row says which proposal it is about."""
    found = [evaluation for _, evaluation in proposals]
    if not found:
        return {}
    made: Tables = {
        "proposals": pd.DataFrame([_headline(title, one) for title, one in proposals])
        .assign(proposal=range(1, len(found) + 1))
        .set_index("proposal")
    }
    for name, tables in (
        ("sites", [one.sites for one in found]),
        ("communities", [one.communities for one in found]),
        ("districts", [one.districts.rename_axis("district") for one in found]),
        ("groups", [one.groups.rename_axis("group") for one in found]),
        ("hazards", [one.hazards.rename_axis("hazard") for one in found]),
        ("shelters", [one.shelters for one in found]),
        ("equity", [one.equity for one in found]),
        ("alternative", [_alternative(one) for one in found]),
    ):
        made[f"proposal_{name}"] = _stacked(tables)
    return made


def _headline(title: str, found: Evaluation) -> dict[str, Any]:
    other = found.alternative
    told: dict[str, Any] = {
        "title": title,
        "sites": len(found.sites),
        "population": float(found.served["population"].sum()),
        "before_people": float(found.served["before_people"].sum()),
        "after_people": float(found.served["after_people"].sum()),
        "newly_people": float(found.served["newly_people"].sum()),
        "lost_people": float(found.served["lost_people"].sum()),
        "saved_person_min": found.saved_person_min,
        "best_people": np.nan,
        "best_bound_people": np.nan,
        "best_proven": None,
        "best_none_because": found.why_no_alternative,
    }
    if other is None:
        return told
    result: SitingResult = other.result
    return told | {
        "best_people": float(other.after.total[other.counted_column]),
        "best_bound_people": float(result.bound),
        "best_proven": "yes" if result.optimal else "no",
    }


def _alternative(found: Evaluation) -> pd.DataFrame:
    """Return the sites of the best plan that was found, in the order to build them."""
    if found.alternative is None:
        return pd.DataFrame()
    kept = ["name", "step", "newly_covered_population", "covered_after", "geometry"]
    sites: pd.DataFrame = found.alternative.sites[kept]
    return sites.rename(columns={"covered_after": "covered_after_people"})


def _stacked(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put the tables of the proposals below each other, under the number of each."""
    parts = {number: _flat(table) for number, table in enumerate(tables, 1) if len(table)}
    if not parts:
        return pd.DataFrame()
    rows = pd.concat(list(parts.values()), ignore_index=True)
    numbers = np.repeat(list(parts), [len(part) for part in parts.values()])
    rows.insert(0, "proposal", numbers)
    return rows.set_index("proposal")


def complete(voice: Voice, found: Tables, manifest: Mapping[str, Any]) -> Tables:
    """Return all tables: what the report is about, those that have rows, and their columns."""
    kept = {name: _flat(table) for name, table in found.items() if len(table)}
    rows = {"about": _about(voice, manifest), **kept, "manifest": _manifest(manifest)}
    made = rows | {"columns": _columns(voice, rows)}
    return {name: _with_clean_texts(table) for name, table in made.items()}


def _with_clean_texts(table: pd.DataFrame) -> pd.DataFrame:
    worded = [name for name in table.columns if isinstance(table[name].dtype, pd.StringDtype)]
    return table.assign(**{name: table[name].map(clean, na_action="ignore") for name in worded})


def clean(text: str) -> str:
    r"""Return a text without signs that no format can hold, or that turn its direction.

    Examples
    --------
    >>> clean("a\x00b\u202ec\nd")
    'a b c d'
    """
    return "".join(" " if sign in TURNING or category(sign) in UNSEEN else sign for sign in text)


def _flat(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with plain columns: ids among them, words as texts, no notes of its own."""
    flat = table.reset_index()
    worded = [name for name in flat.columns if flat[name].dtype == object or _category(flat[name])]
    flat = flat.assign(**{name: flat[name].astype("str") for name in worded})
    flat.attrs = {}
    return flat


def _category(column: pd.Series[Any]) -> bool:
    return isinstance(column.dtype, pd.CategoricalDtype)


def _about(voice: Voice, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Return what stands on the first page, as a table."""
    area, standard = voice.area, voice.standard
    certainty = str(standard.get("certainty", "own choice")).replace(" ", "_")
    illustrative = sorted(area.illustrative)
    named = voice.listed(voice.word("illustrative", name) for name in illustrative)
    lines = {
        "title": voice.say("report.title", area=voice.named(area.title)),
        "question": voice.say("report.asked", limit=voice.limit()),
        "standard": voice.word("standard", str(standard.get("name", "own"))),
        "limit": voice.limit(),
        "certainty": voice.say(f"sure.{certainty}"),
        "source": str(standard.get("source") or ""),
        "scenario": assumptions(voice),
        "date": str(manifest["day"]),
        "illustrative": voice.say("illustrative.note", list=named) if illustrative else "",
        "attribution": ATTRIBUTION,
        "program": str(manifest["program"]),
        "version": str(area.version),
        "command": str(manifest["command"]),
    }
    lines |= {f"note_{i}": voice.named(note) for i, note in enumerate(area.notes, 1)}
    rows = [(name, _heading(voice, name), text) for name, text in lines.items() if text]
    return pd.DataFrame(rows, columns=["fact", "heading", "said"]).astype("str")


def _heading(voice: Voice, fact: str) -> str:
    return voice.say("about.note" if fact.startswith("note_") else f"about.{fact}")


def _manifest(manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Return the manifest as one row an entry, as JSON values."""
    rows = list(_entries(plain(manifest), ""))
    return pd.DataFrame(rows, columns=["entry", "json"]).astype("str")


def _entries(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Yield each single value of a manifest with the way to it.

    Examples
    --------
    >>> list(_entries({"area": {"notes": ["a"]}, "day": None}, ""))
    [('area.notes.0', '"a"'), ('day', 'null')]
    """
    if isinstance(value, Mapping) and value:
        parts = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list) and value:
        parts = [(str(number), item) for number, item in enumerate(value)]
    else:
        yield path, json.dumps(value, ensure_ascii=False, default=str)
        return
    for name, item in parts:
        yield from _entries(item, f"{path}.{name}" if path else name)


def _columns(voice: Voice, found: Tables) -> pd.DataFrame:
    """Return what each column of each table is, and its unit."""
    rows = [
        (name, voice.say(f"table.{name}"), column, voice.column(column), _unit(table, column))
        for name, table in found.items()
        for column in table.columns
        if column != "geometry"
    ]
    names = ["table", "title", "column", "meaning", "unit"]
    return pd.DataFrame(rows, columns=names).astype("str")


def _unit(table: pd.DataFrame, column: str) -> str:
    numbers = pd.api.types.is_numeric_dtype(table[column])
    return unit_of(column) if numbers and column != "return_period" else ""
