"""The command line: `shelterplan --help`.

What is heavy (tables, maps, numba) is imported by the command that needs it, so that help and
mistakes are answered at once.
"""

from __future__ import annotations

import io
import os
import sys

import click

from shelterplan.cli import text
from shelterplan.cli.answers import nearest
from shelterplan.cli.build import build
from shelterplan.cli.cards import cards
from shelterplan.cli.check import check
from shelterplan.cli.coverage import coverage
from shelterplan.cli.critical import critical
from shelterplan.cli.equity import equity
from shelterplan.cli.evaluate import evaluate
from shelterplan.cli.priority import priority
from shelterplan.cli.region import region
from shelterplan.cli.report import report
from shelterplan.cli.resident_map import resident_map
from shelterplan.cli.suggest import suggest
from shelterplan.errors import ShelterplanError, TableError

EPILOG = """\b
Examples:
  shelterplan app
  shelterplan nearest monaco --lat 43.7325 --lon 7.4197
  shelterplan coverage coquimbo --by community --distance-m 800
  shelterplan suggest coquimbo --sites 5
  shelterplan evaluate coquimbo --proposal plan.geojson
  shelterplan report coquimbo --out report.pdf
  shelterplan resident-map monaco --out map.html
  shelterplan build mytown --streets mytown.osm.pbf --communities wards.geojson
      --population people.csv --shelters shelters.csv
  shelterplan region run mycountry --distance-m 1000

Exit codes: 0 done, 1 it could not be done (one sentence says why), 2 wrong use."""


class Guarded(click.Group):
    """A group whose commands fail with one clear sentence, never with a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command and turn what goes wrong into a message."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except ShelterplanError as error:
            lines = error.lines if isinstance(error, TableError) else [str(error)]
            raise click.ClickException("\n  ".join(map(text.clean, lines))) from error
        except BrokenPipeError:
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
            ctx.exit(1)
        except OSError as error:
            where = f": {error.filename}" if error.filename else ""
            message = f"{error.strerror or error}{where}"
            raise click.ClickException(text.clean(message)) from error
        except Exception as error:
            if os.environ.get("SHELTERPLAN_TRACEBACK"):
                raise
            raise click.ClickException(
                f"this should not have happened ({type(error).__name__}: {error}). Please report "
                "it; SHELTERPLAN_TRACEBACK=1 shows where it happened."
            ) from error


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001
    if not wanted or ctx.resilient_parsing:
        return
    from importlib.metadata import version

    click.echo(f"shelterplan {version('shelterplan')}")
    ctx.exit()


@click.group(
    cls=Guarded,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def main() -> None:
    """Say who can walk to a shelter in time, who cannot, and why.

    AREA is a study area: the folder that `shelterplan build` has written, or the name of an
    embedded one: "monaco" or "coquimbo".
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


@main.command()
@click.argument("area", metavar="[AREA]", required=False)
@click.option(
    "--port",
    default=8501,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="Port to listen on.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Address to listen on; by default only this computer can open the page. 0.0.0.0 opens it "
    "to everybody who can reach this computer: see docs/deploy.md first.",
)
def app(area: str | None, port: int, host: str) -> None:
    """Open the maps and tables in a browser, on the embedded study areas or on your own AREA."""
    from shelterplan.app import launch

    launch.run(host=host, port=port, area=area)


for command in (
    *(build, check, nearest, coverage, priority, equity, suggest, evaluate, critical),
    *(report, cards, resident_map, region),
):
    main.add_command(command)
