"""The commands for a region, which is too large for one study area: `region`."""

from __future__ import annotations

import click

from shelterplan.cli.region_ingest import ingest
from shelterplan.cli.region_run import run
from shelterplan.cli.region_suggest import suggest


@click.group()
def region() -> None:
    """Ask for a whole country, tile by tile.

    REGION is the folder that `shelterplan region ingest` has written.
    """


for command in (ingest, run, suggest):
    region.add_command(command)
