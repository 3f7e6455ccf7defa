"""The command that looks for new sites: `suggest`."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shelterplan.cli import text
from shelterplan.cli.answers import AREA, JSON, heading, open_area
from shelterplan.cli.files import ends_in, write_file
from shelterplan.cli.plan_flags import (
    COUNTED,
    LANGUAGE,
    REPORT,
    SCENARIOS,
    TIME_LIMIT,
    rule_options,
    rules_of,
)
from shelterplan.cli.scenario_flags import scenario_options, standard_options
from shelterplan.cli.site_rows import site_rows
from shelterplan.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shelterplan.progress import Progress
    from shelterplan.scenario import Scenario
    from shelterplan.siting.near_optimal import SiteFrequency
    from shelterplan.siting.suggest import Suggestion
    from shelterplan.standards import AccessStandard
    from shelterplan.study_area import StudyArea

OBJECTIVES = (
    *("people", "need", "fair", "everyone", "walking", "longest"),
    *("expected", "worst", "regret"),
)
ENDINGS = (".geojson", ".csv")


@click.command(
    epilog="""\b
Examples:
  shelterplan suggest coquimbo --sites 5
  shelterplan suggest coquimbo --sites 5 --hazard tsunami --objective fair
  shelterplan suggest mytown --budget 12 --quota 0.5 --out plan.geojson
  shelterplan suggest monaco --objective everyone --json
  shelterplan suggest coquimbo --sites 5 --min-ways-in 2 --exclude-kind parking

A site of the plan that stands in it because the solver found nothing better in time is no proof:
read the status. The file written with --out (.geojson) is a proposal, which `evaluate` reads.

With --json: an object with sites (site_id, name, kind, lon, lat, room, cost, step,
newly_covered_population, covered_after), objective, bound, gap, status, unit, seconds, counted,
coverage_share_before and coverage_share_after (people with a place, as --counted says),
confirmed_share_before and confirmed_share_after, worst_district_share_after (where places are
given out with the least walking), newly_covered_population, left_out_people, reasons, excluded
(site_id, name, reason), scenario and standard."""
)
@AREA
@click.option("--sites", type=click.IntRange(0), metavar="N", help="Most sites that may be added.")
@click.option("--budget", type=float, metavar="X", help="What they may cost together.")
@click.option(
    "--objective",
    default="people",
    show_default=True,
    type=click.Choice(OBJECTIVES),
    help="People: most people with a place. Need: the same, people at risk and vulnerable counting "
    "more. Fair: the district that has least first. Everyone: fewest sites for all. Room not "
    "looked at: walking: least walking; longest: the shortest longest walk; with --scenarios: "
    "expected: most people on average; worst: the worst scenario first; regret: fewest people lost "
    "by not knowing.",
)
@click.option(
    "--quota",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Share of the people of every district who must have a place.",
)
@click.option(
    "--quota-among",
    default="all",
    show_default=True,
    type=click.Choice(["all", "at_risk"]),
    help="Whether the quota is one of all people, or of those in a zone of the hazard.",
)
@COUNTED
@SCENARIOS
@click.option("--keep", multiple=True, metavar="ID", help="A site that must be in it. Repeatable.")
@click.option("--forbid", multiple=True, metavar="ID", help="A site that must not. Repeatable.")
@TIME_LIMIT
@click.option(
    "--how-sure",
    "sure",
    is_flag=True,
    help="Also look for 20 plans within 1 % of this one, and say in how many each site appears.",
)
@rule_options
@scenario_options
@standard_options
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=ends_in(*ENDINGS),
    help="Also write the plan: .geojson (a proposal) or .csv.",
)
@REPORT
@LANGUAGE
@JSON
def suggest(
    area: str,
    scenario: Scenario,
    standard: AccessStandard,
    more: tuple[Path, ...],
    sure: bool,  # noqa: FBT001
    out: Path | None,
    report: Path | None,
    language: str,
    as_json: bool,  # noqa: FBT001
    **wished: Any,  # noqa: ANN401
) -> None:
    """Find the best sites for new shelters, and the order in which to build them.

    AREA is a study area's folder or an embedded name.
    """
    from shelterplan.cli.interrupt import Interrupt
    from shelterplan.scenario import Scenario as Given
    from shelterplan.siting.suggest import Wish
    from shelterplan.siting.suggest import suggest as find

    opened = open_area(area)
    rules = rules_of(scenario, wished)
    kinds = set(opened.candidates["kind"].dropna())
    for strange in set(rules.excluded_kinds) - kinds:
        raise UnknownNameError("kind of candidate site", strange, sorted(kinds))
    wish = Wish(**wished)
    progress = text.bar(shown=not as_json)
    with Interrupt() as interrupt:
        found = find(
            opened,
            wish,
            scenario,
            standard,
            rules=rules,
            scenarios={file.stem: Given.from_toml(file) for file in more},
            progress=progress,
            stop=interrupt,
        )
        rows = _how_sure(opened, found, progress, interrupt) if sure else {}
    progress("done", 1.0)
    if out:
        write_file(out, _file(opened, found, scenario, standard, out))
    if report:
        write_file(report, _card(opened, found, language))
    if as_json:
        text.print_json(as_object(found, rows))
        interrupt.leave()
        return
    for line in heading(opened, standard, found.scenario):
        click.echo(line)
    _print(found, rows)
    for written in filter(None, (out, report)):
        click.echo(f"\nWritten: {written}")
    click.echo("")
    text.print_notes(opened.notes)
    interrupt.leave()


def _how_sure(
    area: StudyArea, found: Suggestion, progress: Progress, stop: Callable[[], bool]
) -> dict[str, SiteFrequency]:
    """Return in how many nearly equal plans each site of a plan appears."""
    from shelterplan.siting.ground import Ground
    from shelterplan.siting.sure import how_sure

    wish = found.wish
    if wish.objective != "people" or wish.quota is not None or wish.budget is not None:
        raise click.UsageError(
            "--how-sure goes with --sites and the objective people, without a quota"
        )
    free = found.candidates["suitable"] & ~found.candidates.index.isin(found.wish.forbid)
    ground = Ground(
        area,
        found.candidates[free],
        found.scenario,
        found.standard,
        found.wish.counted,
    )
    first = len(area.shelters)
    chosen = (ground.sites.index.get_indexer(found.sites.index) + first).tolist()
    kept = (ground.sites.index.get_indexer(list(found.wish.keep)) + first).tolist()
    near = how_sure(ground, chosen, kept=kept, progress=progress, stop=stop)
    by_column = {row.site: row for row in near.sites}
    return {
        str(site): by_column[column] for site, column in zip(found.sites.index, chosen, strict=True)
    }


def as_object(found: Suggestion, sure: Mapping[str, SiteFrequency] | None = None) -> dict[str, Any]:
    """Return a plan as plain values."""
    result, totals = found.result, (found.before.total, found.after.total)
    excluded = found.candidates[~found.candidates["suitable"]]
    return {
        "sites": [
            site | ({"appears": asdict(sure[site["site_id"]])} if sure else {})
            for site in site_rows(found.sites)
        ],
        "objective": result.objective,
        "bound": text.plain_number(result.bound),
        "gap": text.plain_number(result.gap),
        "status": result.status,
        "unit": found.unit,
        "seconds": round(result.seconds, 3),
        "counted": found.wish.counted,
        "coverage_share_before": text.plain_number(found.share_before),
        "coverage_share_after": text.plain_number(found.share_after),
        "confirmed_share_before": text.plain_number(totals[0]["coverage_share"]),
        "confirmed_share_after": text.plain_number(totals[1]["coverage_share"]),
        "worst_district_share_after": text.plain_number(found.worst_share_after),
        "newly_covered_population": float(totals[1][found.counted_column])
        - float(totals[0][found.counted_column]),
        "left_out_people": found.left_out_people,
        "scenarios": [{"scenario": name, **asdict(one)} for name, one in found.scenarios.items()],
        "reasons": list(found.reasons),
        "excluded": [
            {"site_id": key, "name": row["name"], "reason": row["reason"]}
            for key, row in excluded.iterrows()
        ],
        **{name: found.manifest[name] for name in ("wish", "scenario", "standard")},
    }


def _file(
    area: StudyArea,
    found: Suggestion,
    scenario: Scenario,
    standard: AccessStandard,
    out: Path,
) -> bytes:
    """Return the plan as a file."""
    from shelterplan.siting.proposal import Proposal
    from shelterplan.study_area import ATTRIBUTION
    from shelterplan.views import exports

    if out.suffix.lower() == ".geojson":
        count = text.counted(len(found.sites), "site")
        return Proposal.of(f"Suggested: {count}", found.sites, area, scenario, standard).to_bytes()
    facts = exports.Facts(
        attribution=ATTRIBUTION,
        illustrative=tuple(sorted(area.illustrative)),
        manifest=found.manifest,
    )
    points = found.sites.geometry.representative_point()
    table = found.sites.drop(columns="geometry").assign(lon=points.x, lat=points.y)
    return exports.to_csv(table, facts)


def _card(area: StudyArea, found: Suggestion, language: str) -> bytes:
    """Return the card of a plan: an evaluation as that of any proposal."""
    from shelterplan.siting.evaluate import evaluate
    from shelterplan.views.proposal_card import card

    if not len(found.sites):
        raise click.UsageError("there is no site to write a report on")
    weighed = evaluate(
        area,
        found.sites,
        found.scenario,
        found.standard,
        counted=found.wish.counted,
        compare=False,
    )
    if found.wish.objective == "people" and found.wish.quota is None:
        weighed = replace(weighed, alternative=found, why_no_alternative="")
    title = f"Suggested: {text.counted(len(found.sites), 'site')}"
    return card(weighed, language=language, title=title, area=area)


def _print(found: Suggestion, sure: Mapping[str, SiteFrequency]) -> None:
    rows = [
        [
            str(row["step"]),
            row["site_id"],
            row["name"],
            _room(row),
            row["newly_covered_population"],
            row["covered_after"],
            *([sure[row["site_id"]].word] if sure else []),
        ]
        for row in site_rows(found.sites)
    ]
    click.echo("")
    if rows:
        text.print_table(
            [
                *("step", "site", "name", "room", "newly served", "served then"),
                *(["in plans as good"] if sure else []),
            ],
            rows,
        )
        click.echo("")
    who = "with a place" if found.wish.counted == "possible" else "with a confirmed place"
    people = float(found.before.total["population"])
    before, after = (
        float(plan.total[found.counted_column]) for plan in (found.before, found.after)
    )
    click.echo(
        f"People {who}: {before:,.0f} of {people:,.0f} ({text.percent(found.share_before)}) "
        f"before, {after:,.0f} ({text.percent(found.share_after)}) after: "
        f"{after - before:,.0f} more."
    )
    click.echo(_proof(found))
    if found.kept_places:
        click.echo(
            f"Where places are given out with the least walking, the worst district has "
            f"{text.percent(found.worst_share_after)}: for more, places must be kept for it."
        )
    unknown = int(found.sites["room"].isna().sum())
    if unknown and found.scenario.room != "ignored":
        taken = "room for everybody" if found.wish.counted == "possible" else "no room"
        click.echo(
            f"Nobody has said how many people {unknown} of these sites have room for: they are "
            f"taken to have {taken}. "
            + (
                "Their area is not known either."
                if found.standard.area_m2_per_person
                else "--m2-per-person estimates it from their area."
            )
        )
    if (found.sites["room_from"] == "area").any():
        each = found.standard.area_m2_per_person
        click.echo(f'Room that is "about" is estimated: the area divided by {each:g} m2 a person.')
    if found.left_out_people:
        click.echo(
            f"Not looked at: {found.left_out_people:,.0f} people, whom no shelter and no candidate "
            "can serve."
        )
    for reason in found.reasons:
        click.echo(f"Why not more: {text.clean(reason)}")
    excluded = found.candidates[~found.candidates["suitable"]]
    if len(excluded):
        rules = excluded["reason"].value_counts()
        said = ", ".join(f"{count} {str(rule).replace('_', ' ')}" for rule, count in rules.items())
        click.echo(f"Candidates left out: {len(excluded)} of {len(found.candidates)} ({said}).")


def _room(row: dict[str, Any]) -> str:
    """Return the room of a site in words: an estimate is marked."""
    if row["room"] is None:
        return "not known"
    return f"{'about ' if row['room_from'] == 'area' else ''}{row['room']:,.0f}"


def _proof(found: Suggestion) -> str:
    """Say how good the plan is."""
    result = found.result
    if result.optimal:
        what = "" if found.unit == "people" else f" than {result.objective:,.6g} {found.unit}"
        return f"Proven: no choice of sites does better{what} (found in {result.seconds:.1f} s)."
    return (
        f"Not proven: {result.objective:,.6g} {found.unit}; no plan can do better than "
        f"{result.bound:,.6g} ({result.status}, {result.seconds:.1f} s)."
    )
