"""What is not known: counted and said, one row each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from shelterplan.situation import active_zones

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shelterplan.plan import Plan
    from shelterplan.scenario import Scenario
    from shelterplan.views.report.voice import Voice

COLUMNS = ("topic", "count", "total", "said")


def unknowns(voice: Voice, scenario: Scenario, plan: Plan, graded: pd.DataFrame) -> pd.DataFrame:
    """Return what is not known of a study area under the scenario of a plan.

    Parameters
    ----------
    voice : Voice
        The words.
    scenario : Scenario
        What is assumed.
    plan : Plan
        The analysis under it.
    graded : DataFrame
        See `grades.grades`.

    Returns
    -------
    DataFrame
        One row for each thing that is not known: `topic`, how many (`count`) of how many (`total`)
        and what is `said` of it; only things of which there is at least one.
    """
    rows = [
        *_of_shelters(voice, scenario, plan),
        *_of_people(voice, plan),
        *_of_data(voice, plan, graded),
    ]
    return pd.DataFrame(
        [(topic, count, total, said) for topic, count, total, said in rows if count],
        columns=list(COLUMNS),
    ).astype({"count": "int64", "total": "int64", "topic": "str", "said": "str"})


Row = tuple[str, int, int, str]


def _row(voice: Voice, topic: str, count: float, total: float, **more: object) -> Row:
    said = voice.say(f"unknown.{topic}", count=f"{count:,.0f}", total=f"{total:,.0f}", **more)
    return topic, int(count), int(total), said


def _of_shelters(voice: Voice, scenario: Scenario, plan: Plan) -> Iterator[Row]:
    area, shelters = voice.area, plan.shelters
    unsaid = shelters["fitness"] == "unknown"
    used = shelters["reason"] == ""
    could = used | (shelters["reason"] == "fitness_unknown")
    total = len(shelters)
    if scenario.room != "ignored":
        yield _row(voice, "room", int(shelters.loc[used, "room"].isna().sum()), int(used.sum()))
        estimated = int((shelters.loc[used, "room_from"] == "area").sum())
        yield _row(voice, "room_estimated", estimated, int(used.sum()))
    if scenario.hazard:
        hazard = voice.hazard(scenario.hazard)
        then = voice.say(f"unknown.fitness_{scenario.unknown_fitness}")
        count = int((could & unsaid).sum())
        yield _row(voice, "fitness", count, int(could.sum()), hazard=hazard, used=then)
        known = bool(active_zones(area, scenario).any())
        yield _row(voice, "zones", int(not known), 1, hazard=hazard)
    given = area.shelters["verified"].fillna("").astype("str").str.strip() != ""
    yield _row(voice, "verified", int((~given).sum()), total)
    guessed = (area.entrances["how"] == "position").groupby(area.entrances["shelter_id"]).all()
    yield _row(voice, "entrances", int(guessed.sum()), total)


def _of_people(voice: Voice, plan: Plan) -> Iterator[Row]:
    everybody = float(plan.total["population"])
    for status in ("capacity_unknown", "no_network"):
        people = float(plan.total[f"{status}_population"])
        yield _row(voice, f"people_{status}", -(-people // 1), everybody)
    homeless = int((plan.communities["population"] == 0).sum())
    yield _row(voice, "nobody", homeless, len(plan.communities))


def _of_data(voice: Voice, plan: Plan, graded: pd.DataFrame) -> Iterator[Row]:
    area = voice.area
    poor = graded[graded["grade"].isin(["C", "D"])]
    named = voice.listed(voice.called("district", name) for name in poor.index)
    yield _row(voice, "grades", len(poor), len(graded), districts=named)
    undated = [source for source in area.sources if not source.date]
    named = voice.listed(dict.fromkeys(source.name for source in undated))
    yield _row(voice, "undated", len(undated), len(area.sources), names=named)
    yield _row(voice, "quarantine", len(area.quarantine), len(area.quarantine))
    made_up = sorted(area.illustrative)
    named = voice.listed(voice.word("illustrative", name) for name in made_up)
    yield _row(voice, "illustrative", len(made_up), len(made_up), list=named)
    yield _row(voice, "not_exact", int(not plan.exact), 1)
