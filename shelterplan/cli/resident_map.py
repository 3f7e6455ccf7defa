"""The command that writes the map for residents that needs no network: `resident-map`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shelterplan.cli import text
from shelterplan.cli.answers import AREA, JSON, open_area
from shelterplan.cli.files import write_file
from shelterplan.cli.scenario_flags import assumed, standard_options
from shelterplan.scenario import WALKERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shelterplan.scenario import Scenario
    from shelterplan.standards import AccessStandard
    from shelterplan.study_area import StudyArea

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""File names that need no quoting in an address."""


def html_only(_: click.Context, __: click.Parameter, out: Path) -> Path:
    """Return a path whose file a browser opens as a page."""
    if out.suffix.lower() not in {".html", ".htm"}:
        raise click.BadParameter("must end in .html")
    return out


@click.command(
    "resident-map",
    epilog="""\b
Examples:
  shelterplan resident-map monaco --out monaco.html
  shelterplan resident-map coquimbo --out map.html --hazard tsunami --walker adult --minutes 15
  shelterplan resident-map mytown --out index.html --installable --lang zh

The file works from a USB stick, from a phone's memory or on any host that serves files, and asks
nobody for anything. Without --hazard: an ordinary day and every hazard with zones here. Without
--walker: adult, elderly, wheelchair.

With --json: an object with file, bytes, also (further files), shelters, scenarios (list of hazard
and walker), hazards_left_out, standard.""",
)
@AREA
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    callback=html_only,
    help="The file to write, .html.",
)
@click.option(
    "--hazard",
    "hazards",
    multiple=True,
    metavar="NAME",
    help="A hazard to choose beside the ordinary day. Repeatable.",
)
@click.option(
    "--walker",
    "walkers",
    multiple=True,
    type=click.Choice(list(WALKERS)),
    help="Who can be chosen. Repeatable.",
)
@click.option(
    "--language",
    "--lang",
    "language",
    default="",
    type=click.Choice(["en", "zh", ""]),
    metavar="en|zh",
    help="Language that it opens in; both are in it.  [default: that of the browser]",
)
@click.option(
    "--installable",
    is_flag=True,
    help="Also write a manifest and a service worker beside it: on a host, phones can install it.",
)
@standard_options
@JSON
def resident_map(
    area: str,
    out: Path,
    hazards: tuple[str, ...],
    walkers: tuple[str, ...],
    language: str,
    standard: AccessStandard,
    installable: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """Write the map for residents: one file that finds the nearest shelter with no network.

    AREA is a study area's folder or an embedded name.
    """
    from shelterplan.views.resident import choices, page
    from shelterplan.views.resident import installable as beside

    if installable and not NAME.fullmatch(out.name):
        message = "with --installable, use letters, digits, dots and dashes only"
        raise click.BadParameter(message, param_hint="--out")
    progress = text.bar(shown=not as_json)
    opened = open_area(area)
    found = choices.choices(opened, hazards=hazards, walkers=walkers)
    made = page.resident_map(
        opened,
        scenarios=found.scenarios,
        standard=standard,
        language=language,
        installable=out.name if installable else "",
        left_out=found.left_out,
        progress=progress,
    )
    files = {out.name: made}
    if installable:
        title = page.title_of(opened, language)
        files |= beside.beside(made, out.name, title=title, language=page.TAGS[language or "en"])
    for name, content in files.items():
        write_file(out.with_name(name), content)
    progress("done", 1.0)
    told = {
        "file": str(out),
        "bytes": len(made),
        "also": [name for name in files if name != out.name],
        "shelters": len(opened.shelters),
        "scenarios": [
            {"hazard": one.hazard or None, "walker": one.walker.name}
            for one in found.scenarios.values()
        ],
        "hazards_left_out": list(found.left_out),
        "standard": {"longest": standard.limit.value, "unit": standard.limit.unit},
    }
    if as_json:
        text.print_json(told)
    else:
        _print(opened, told, found.scenarios, standard)


def _print(
    area: StudyArea,
    told: Mapping[str, Any],
    scenarios: Mapping[str, Scenario],
    standard: AccessStandard,
) -> None:
    """Say what was written, and what is in it."""
    size = told["bytes"] / 1e6
    click.echo(f"Written: {text.clean(told['file'])}, {size:.2f} MB; it needs no network.")
    for name in told["also"]:
        click.echo(f"Beside it, for a host: {text.clean(name)}")
    shelters = text.counted(told["shelters"], "shelter")
    click.echo(f"{text.clean(area.title)}, {shelters}, {len(scenarios)} scenarios:")
    for scenario in scenarios.values():
        click.echo(f"  {assumed(scenario, standard)}")
    if told["hazards_left_out"]:
        left = ", ".join(told["hazards_left_out"])
        click.echo(f"Not in it, for there are too many hazards: {left} (choose with --hazard).")
    if area.illustrative:
        click.echo(f"Illustrative, not official: {', '.join(sorted(area.illustrative))}.")
    click.echo("")
    text.print_notes(area.notes)
