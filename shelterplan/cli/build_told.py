"""What `build` tells: notes that stay with the study area, and a summary of what was made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from shelterplan.cli import text

if TYPE_CHECKING:
    from pathlib import Path

    from shelterplan.cli.inputs import Inputs
    from shelterplan.cli.streets import Network
    from shelterplan.sources.assign import Assigned
    from shelterplan.study_area import StudyArea

QUARANTINE = "quarantine.csv"
DIFFERENCE_SHARE = 0.01
"""Communities whose stated population differs by more than this from their points are counted."""


def notes(inputs: Inputs, assigned: Assigned) -> list[str]:
    """Return what everybody who sees a result of this study area must know."""
    found = []
    for _, name, one in inputs.tables():
        lost = one.facts["rows_read"] - one.facts["rows_kept"]
        if lost:
            found.append(
                f"{name}: {lost:,} of {text.counted(one.facts['rows_read'], 'row')} could "
                f"not be used; see {QUARANTINE}."
            )
    outside = len(inputs.population.table) - len(assigned.demand)
    if outside:
        found.append(
            f"population: {assigned.population_outside:,.0f} of {assigned.population_before:,.0f} "
            f"people ({text.counted(outside, 'point')}) lie in no community and "
            f"are not in the results; see {QUARANTINE}."
        )
    return found


def more_notes(inputs: Inputs, network: Network, away: int) -> list[str]:
    """Return what is to be known of grids, hazard zones and slopes."""
    found = []
    if network.streets.place:
        found.append(f"streets: the place was taken to be {network.streets.place!r}.")
    if "note" in inputs.population.facts:
        found.append(f"population: {inputs.population.facts['note']}.")
    found += [
        f"hazards: {one.facts['name']}: {one.facts['note']}: no zone there."
        for one in inputs.hazards
        if "cells" in one.facts
    ]
    found += _sites_left_out(inputs)
    if away:
        found.append(f"hazards: {text.counted(away, 'zone')} away from this place left out.")
    slopes = network.slopes
    if slopes and slopes["edges_unknown"]:
        found.append(
            f"streets: no elevation is known for {slopes['edges_unknown']:,} of "
            f"{text.counted(slopes['edges'], 'piece')} ({slopes['km_unknown']:,.1f} km): they are "
            "walked as on the flat."
        )
    return found


def _sites_left_out(inputs: Inputs) -> list[str]:
    """Say which objects of OpenStreetMap are no candidate sites, if any."""
    if inputs.candidates is None or "left_out" not in inputs.candidates.facts:
        return []
    rules = inputs.candidates.facts["left_out"]
    if rules.empty:
        return []
    parts = [
        f"{count:,} {reason}"
        for reason, count in zip(rules["reason"], rules["objects"], strict=True)
    ]
    total = text.counted(int(rules["objects"].sum()), "place")
    return [f"candidates: {total} in OpenStreetMap left out: {'; '.join(parts)}."]


def shelters_outside(inputs: Inputs) -> int:
    """Count the shelters that touch no community: kept, since people may walk there."""
    import shapely

    polygons = shapely.STRtree(inputs.communities.table.geometry.to_numpy())
    shelters = inputs.shelters.table.geometry.to_numpy()
    touching = polygons.query(shelters, predicate="intersects")[0]
    return len(shelters) - len(set(touching.tolist()))


def stated_population(inputs: Inputs, assigned: Assigned) -> dict[str, Any] | None:
    """Compare the population that the communities' file states with the sum of the points."""
    stated = inputs.communities.table["population"]
    if stated.isna().all():
        return None
    points = assigned.demand.groupby("community_id")["population"].sum()
    points = points.reindex(stated.index, fill_value=0.0)
    apart = (points - stated).abs() > DIFFERENCE_SHARE * stated.abs()
    return {
        "stated": float(stated.sum()),
        "points": float(points.sum()),
        "communities_apart": int(apart.sum()),
    }


def summarise(
    area: StudyArea, inputs: Inputs, assigned: Assigned, network: Network
) -> dict[str, Any]:
    """Return what was made, in plain values."""
    return {
        "name": area.name,
        "title": area.title,
        "version": area.version,
        "crs": area.crs.to_string(),
        "rows": {
            name: len(getattr(area, name))
            for name in (
                *("communities", "demand", "shelters", "entrances", "candidates", "hazards"),
                "streets",
            )
        },
        "street_km": float(area.streets["length_m"].sum()) / 1000,
        "hazard_zones": hazard_zones(area),
        "slopes": network.slopes,
        "population_before": assigned.population_before,
        "population_after": assigned.population_after,
        "population_outside": assigned.population_outside,
        "stated_population": stated_population(inputs, assigned),
        "shelters_outside_communities": shelters_outside(inputs),
        "quarantined": len(area.quarantine),
        "remarks": sum(len(one.remarks) for _, _, one in inputs.tables()),
        "files": {
            name: {
                key: one.facts.get(key)
                for key in (
                    "name",
                    "kind",
                    "encoding",
                    "delimiter",
                    "crs",
                    "rows_read",
                    "rows_kept",
                )
            }
            for _, name, one in inputs.tables()
        },
        "notes": list(area.notes),
    }


def hazard_zones(area: StudyArea) -> dict[str, dict[str, int]]:
    """Count the zones of each hazard by level."""
    counts = area.hazards.groupby(["hazard", "level"]).size()
    found: dict[str, dict[str, int]] = {}
    for (hazard, level), count in counts.items():
        found.setdefault(str(hazard), {})[str(level)] = int(count)
    return found


def print_summary(out: Path, area: StudyArea, summary: dict[str, Any]) -> None:
    """Print what was made, for people."""
    rows = summary["rows"]
    click.echo(f"{text.clean(area.title)}: study area written to {out}")
    text.print_facts(
        {
            "Communities": f"{rows['communities']:,}",
            "People": f"{summary['population_after']:,.0f} in {rows['demand']:,} points",
            "Shelters": f"{rows['shelters']:,} with {rows['entrances']:,} entrances",
            "Candidate sites": f"{rows['candidates']:,}",
            "Streets": f"{summary['street_km']:,.0f} km in {rows['streets']:,} pieces",
            **_more_facts(summary),
            "Coordinate system": summary["crs"],
        }
    )
    text.print_notes(area.notes)
    stated = summary["stated_population"]
    if stated:
        click.echo(
            f"Note: the communities' file states {stated['stated']:,.0f} people, the points "
            f"give {stated['points']:,.0f} ({stated['communities_apart']:,} communities "
            "differ by more than 1 %); the points are used."
        )
    if summary["shelters_outside_communities"]:
        click.echo(
            f"Note: {summary['shelters_outside_communities']:,} of {rows['shelters']:,} "
            "shelters lie outside every community (kept: people may walk there)."
        )
    for name, file in summary["files"].items():
        if file["encoding"] not in {None, "utf-8", "utf-8-sig"}:
            click.echo(f"Note: {name} was read as {file['encoding']}: look at its names.")
    if summary["remarks"]:
        said = text.counted(summary["remarks"], "row")
        click.echo(f"Note: {said} repaired, or worth a look; see {QUARANTINE}.")
    click.echo(f"Next: shelterplan check {out}")


def _more_facts(summary: dict[str, Any]) -> dict[str, str]:
    """Say what hazards and slopes are known, if any."""
    found = {}
    if summary["hazard_zones"]:
        each = [
            f"{hazard} of level {', '.join(levels)}"
            for hazard, levels in summary["hazard_zones"].items()
        ]
        found["Hazard zones"] = f"{summary['rows']['hazards']:,}: {'; '.join(each)}"
    slopes = summary["slopes"]
    if slopes:
        known = slopes["edges"] - slopes["edges_unknown"]
        found["Slopes"] = (
            f"of {known:,} pieces of street, from cells of {slopes['cell_m']:,.0f} m; "
            f"{text.percent(slopes['steep_share'])} of their length is 5 % or steeper"
        )
    return found
