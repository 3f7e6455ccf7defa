"""The command that prints notices: `cards`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shelterplan.cli import text
from shelterplan.cli.answers import AREA, JSON, heading, open_area
from shelterplan.cli.files import write_file
from shelterplan.cli.plan_flags import LANGUAGE
from shelterplan.cli.scenario_flags import scenario_options, standard_options

if TYPE_CHECKING:
    from shelterplan.scenario import Scenario
    from shelterplan.standards import AccessStandard
    from shelterplan.study_area import StudyArea
    from shelterplan.views.cards import Card

FORMATS = (".pdf", ".html")


@click.command(
    epilog="""\b
Examples:
  shelterplan cards monaco --out cards.pdf
  shelterplan cards coquimbo --hazard tsunami --community 12 --out zone-12.pdf
  shelterplan cards mytown --district North --lang zh --link https://example.org/map --out n.html

One A4 page for each community, to be pinned on a notice board: its shelters, a small map with the
ways from its main streets, minutes for adults and for older people, what each shelter is fit for,
and how many people have none within reach. Readable in black and white.

With --json: a list with community_id, name, population, people by status, the shelters and the ways
from the main streets; what is unreachable or unknown is null."""
)
@AREA
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file: .pdf or .html.",
)
@click.option(
    "--community",
    "communities",
    multiple=True,
    metavar="ID",
    help="Only this community. Repeatable.  [default: all]",
)
@click.option("--district", metavar="NAME", help="Only the communities of this district.")
@LANGUAGE
@click.option(
    "--link",
    metavar="URL",
    help="Address of the resident map, shown as text and as a QR code (made here, offline).",
)
@standard_options
@scenario_options
@JSON
def cards(
    area: str,
    out: Path,
    communities: tuple[str, ...],
    district: str | None,
    language: str,
    link: str | None,
    standard: AccessStandard,
    scenario: Scenario,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Print a card for each community: where to go on foot in an emergency.

    AREA is a study area's folder or an embedded name.
    """
    if out.suffix.lower() not in FORMATS:
        raise click.BadParameter(f"must end in {' or '.join(FORMATS)}", param_hint="--out")
    from shelterplan.views import cards as views
    from shelterplan.views.pdf import to_pdf

    opened = open_area(area)
    made = views.cards(
        opened,
        communities=_wanted(opened, communities, district),
        scenario=scenario,
        standard=standard,
        language=language,
        link=link,
    )
    page = views.to_html(made)
    write_file(out, to_pdf(page) if out.suffix.lower() == ".pdf" else page.encode("utf-8"))
    if as_json:
        text.print_json([as_object(card) for card in made])
        return
    for line in heading(opened, standard, scenario):
        click.echo(line)
    _print(made)
    click.echo("")
    text.print_notes(opened.notes)
    click.echo(f"\nWritten: {out} ({text.counted(len(made), 'card')})")


def _wanted(
    area: StudyArea, communities: tuple[str, ...], district: str | None
) -> list[str] | None:
    """Return the communities that are asked for; None for all."""
    if district is None:
        return list(communities) or None
    if communities:
        raise click.UsageError("give --community or --district, not both")
    there = area.communities.index[area.communities["district"] == district]
    if not len(there):
        from shelterplan.errors import UnknownNameError

        known = sorted(area.communities["district"].dropna().astype(str).unique())
        raise UnknownNameError("district", district, known)
    return [str(one) for one in there]


def as_object(card: Card) -> dict[str, Any]:
    """Return a card as plain values."""
    return {
        "community_id": card.community_id,
        "name": card.name,
        "population": card.population,
        "out_of_reach_population": card.out_of_reach,
        **{f"{status}_population": people for status, people in card.people.items()},
        "shelters": [
            {
                name: getattr(one, name)
                for name in (
                    "shelter_id",
                    "name",
                    "nearest_people",
                    "sent_people",
                    "full_people",
                    "mean_walk_m",
                    "room",
                    "room_from",
                    "fills_at_share",
                )
            }
            | {"fitness": dict(one.fitness)}
            for one in card.shelters
        ],
        "main_streets": [
            {
                name: getattr(way, name)
                for name in ("name", "people", "lon", "lat", "status", "distance_m", "within")
            }
            | {
                "shelter_id": way.shelter_id or None,
                "walk_time_s": dict(way.walk_time_s),
                "stairs": way.stairs if way.shelter_id else None,
                "step_free_m": way.step_free_m if way.stairs else None,
            }
            for way in card.ways
        ],
    }


def _print(made: list[Card]) -> None:
    """Print one line a card: the community and its nearest shelters."""
    click.echo("")
    text.print_table(
        ["community", "people", "none within reach", "shelters", "from"],
        [
            [
                card.name,
                card.population,
                card.out_of_reach,
                ", ".join(one.name for one in card.shelters) or "none",
                _first(card),
            ]
            for card in made
        ],
    )


def _first(card: Card) -> str:
    """Return the main street, and the minutes from it."""
    if not card.ways or not card.ways[0].shelter_id:
        return "no way" if card.ways else ""
    way = card.ways[0]
    minutes = max(1, math.ceil(way.walk_time_s[card.scenario.walker.name] / 60 - 1e-6))
    return f"{way.name}: {minutes} min"
