"""The worked examples of the README are what the program says."""

import re
from pathlib import Path

import pytest

from shelterplan import StudyArea
from shelterplan.siting import Wish, suggest

README = Path(__file__).parents[2].joinpath("README.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in README.splitlines()
    if re.match(r"\| (\d|people)", line)
]


@pytest.mark.parametrize(("name", "column"), [("coquimbo", 1), ("monaco", 3)])
def test_the_five_best_new_sites(name, column):
    found = suggest(StudyArea.open(name), Wish(sites=5))
    assert len(ROWS) == 6
    for row, (_, site) in zip(ROWS, found.sites.iterrows(), strict=False):
        assert str(site["name"]).removeprefix("Illustrative ") == row[column]
        assert f"{site['newly_covered_population']:,.0f}" == row[column + 1]
    totals = [plan.total["possible_people"] for plan in (found.before, found.after)]
    people = found.before.total["population"]
    assert ROWS[5][column] == f"{totals[0]:,.0f} to {totals[1]:,.0f} of {people:,.0f}, proven"
    assert found.result.optimal
