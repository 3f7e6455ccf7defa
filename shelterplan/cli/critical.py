"""The command that ranks streets by how many people depend on each alone: `critical`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shelterplan.cli import text
from shelterplan.cli.answers import AREA, JSON, heading, open_area
from shelterplan.cli.coverage import FORMATS
from shelterplan.cli.files import write_file
from shelterplan.cli.scenario_flags import scenario_options, standard_options

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from shelterplan.scenario import Scenario
    from shelterplan.standards import AccessStandard
    from shelterplan.study_area import StudyArea

WAYS = {
    "two_ways_population": "have two shelters by ways that share no street",
    "shared_street_population": "have two or more shelters, but by ways that share a street",
    "one_shelter_population": "have one shelter only",
    "no_shelter_population": "have none",
    "not_settled_population": "have one at least; whether two could not be settled",
}
"""How the people of a study area are told apart, in words."""


@click.command(
    epilog="""\b
Examples:
  shelterplan critical monaco
  shelterplan critical coquimbo --distance-m 2000 --by way --count 10
  shelterplan critical mytown --hazard flood --walker elderly --out critical.gpkg

Room is not looked at: somebody is covered who has a fit shelter within the standard on open ways.

With --json: an object with covered_population, the people by how many ways they have
(two_ways_population, shared_street_population, one_shelter_population, no_shelter_population,
not_settled_population: they add up to the population) and streets, a list, the most people first,
with street and streets (numbers for --close-street), name, class, bridge_tunnel, osm_id, length_m,
lost_population, of whom here_population live on it and beyond_population elsewhere, lost_points,
shelters_shut (all their entrances lie on it) and only_link (the open streets fall apart without
it; dead ends count)."""
)
@AREA
@click.option(
    "--by",
    default="street",
    show_default=True,
    type=click.Choice(["street", "way"]),
    help="Close one street at a time, from junction to junction, or a whole OSM way.",
)
@scenario_options
@standard_options
@click.option(
    "--count",
    default=20,
    show_default=True,
    type=click.IntRange(0),
    help="How many streets are shown.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the whole table: .csv, .geojson or .gpkg.",
)
@JSON
def critical(
    area: str,
    by: str,
    scenario: Scenario,
    standard: AccessStandard,
    count: int,
    out: Path | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Rank streets and bridges by how many people lose coverage when each is closed alone.

    AREA is a study area's folder or an embedded name.
    """
    if out and out.suffix.lower() not in FORMATS:
        raise click.BadParameter(f"must end in {', '.join(FORMATS)}", param_hint="--out")
    from shelterplan.siting import redundancy

    opened = open_area(area)
    scenario = scenario.with_changes(room="ignored")
    progress = text.bar(shown=not as_json)
    found = redundancy.critical_streets(
        opened, scenario, standard, by="way" if by == "way" else "street", progress=progress
    )
    people = _by_ways(redundancy.two_ways(opened, scenario, standard, progress=progress))
    if out:
        _write(opened, scenario, standard, found, out)
    shown = found.head(count)
    if as_json:
        rows = shown.drop(columns="geometry").reset_index().to_dict(orient="records")
        text.print_json(
            {"covered_population": found.attrs["covered_population"]} | people | {"streets": rows}
        )
        return
    for line in heading(opened, standard, scenario):
        click.echo(line)
    _print_ways(people)
    _print_streets(shown, len(found), by)
    click.echo("")
    text.print_notes(opened.notes)
    if out:
        click.echo(f"\nWritten: {out}")


def _by_ways(found: pd.DataFrame) -> dict[str, float]:
    """Return how many people have how many ways, in the order of `WAYS`."""
    names = {name: f"{name or 'two_ways'}_population" for name in found["why_not"].cat.categories}
    people = found["population"].groupby(found["why_not"], observed=False).sum()
    counted = {names[name]: float(people[name]) for name in names}
    return {name: counted[name] for name in WAYS}


def _print_ways(people: dict[str, float]) -> None:
    everybody = sum(people.values())
    click.echo("")
    for name, number in people.items():
        if number or name != "not_settled_population":
            share = text.percent(number / everybody if everybody else None)
            click.echo(f"{number:>12,.0f} people ({share}) {WAYS[name]}")


def _print_streets(shown: pd.DataFrame, known: int, by: str) -> None:
    """Print the first streets of a ranking, and how many there are."""
    what = "street" if by == "street" else "way"
    if not known:
        click.echo(f"\nNobody loses coverage by any one {what}.")
        return
    click.echo(f"\nSomebody loses coverage when one of {text.counted(known, what)} is closed.")
    if not len(shown):
        return
    click.echo("")
    text.print_table(
        [
            *("number", "name", "class", "length [m]", "lose it", "live on it", "beyond it"),
            *("shelters shut", "only link", "bridge"),
        ],
        [_cells(number, row) for number, row in shown.iterrows()],
    )
    click.echo(
        "shelters shut: all their entrances lie on it; only link: the streets fall apart without "
        "it; bridge: what OSM says"
    )


def _cells(number: object, row: pd.Series[Any]) -> list[object]:
    return [
        str(number),
        text.plain(row["name"]) or "-",
        text.plain(row["class"]) or "-",
        round(row["length_m"]),
        row["lost_population"],
        row["here_population"],
        row["beyond_population"],
        row["shelters_shut"],
        "yes" if row["only_link"] else "no",
        text.plain(row["bridge_tunnel"]) or "",
    ]


def _write(
    area: StudyArea,
    scenario: Scenario,
    standard: AccessStandard,
    found: gpd.GeoDataFrame,
    out: Path,
) -> None:
    """Write the ranking to a file whose ending sets the format, with its attribution."""
    from shelterplan.plan import make_plan
    from shelterplan.study_area import ATTRIBUTION
    from shelterplan.views import exports

    facts = exports.Facts(
        attribution=ATTRIBUTION,
        illustrative=tuple(sorted(area.illustrative)),
        manifest=make_plan(area, scenario, standard).manifest,
    )
    ending = out.suffix.lower()
    if ending == ".csv":
        write_file(out, exports.to_csv(found, facts))
    elif ending == ".geojson":
        write_file(out, exports.to_geojson(found, facts))
    else:
        write_file(out, exports.to_geopackage(found, facts, layer="critical_streets"))
