"""The notebooks as files, and two of them executed: the quickstart and one's own city."""

import ast
import base64
import io
import subprocess
import sys

import nbformat
import numpy as np
import pandas as pd
import pytest

from shelterplan import AccessStandard, Scenario, StudyArea, make_plan
from shelterplan.coverage import STATUSES
from tests.notebooks import FOLDER, NAMES, code_cells, read, run

PUBLIC = {
    "shelterplan",
    "shelterplan.coverage",
    "shelterplan.datum_check",
    "shelterplan.errors",
    "shelterplan.quality",
    "shelterplan.sources.assign",
    "shelterplan.sources.datums",
    "shelterplan.sources.inputs",
    "shelterplan.sources.osm",
    "shelterplan.sources.osm_features",
    "shelterplan.sources.overpass",
    "shelterplan.study_area",
    "shelterplan.views.exports",
    "shelterplan.views.proposal_card",
    "shelterplan.views.proposal_words",
}
"""Modules of ours that are meant for users."""
OTHERS = {"geopandas", "matplotlib", "numpy", "pandas", "shapely"}
"""Packages that a lesson may use beside the standard library."""
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def trees(name):
    return [ast.parse(cell["source"]) for cell in code_cells(read(name))]


def imports(name):
    """Yield the module and the name (None for a whole module) of each import."""
    for node in (node for tree in trees(name) for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield from ((node.module, alias.name) for alias in node.names)


def test_there_are_four_notebooks_and_nothing_else():
    assert sorted(path.name for path in FOLDER.iterdir() if path.name != ".ipynb_checkpoints") == [
        f"{name}.ipynb" for name in NAMES
    ]


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_cleared_and_metadata_is_clean(name):
    notebook = read(name)
    nbformat.validate(notebook)
    assert notebook["metadata"] == METADATA
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    for cell in notebook["cells"]:
        assert cell["metadata"] == {}
        assert cell["source"].strip() == cell["source"] != ""
    for cell in code_cells(notebook):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@pytest.mark.parametrize("name", NAMES)
def test_only_public_names_are_used(name):
    for module, wanted in imports(name):
        if module.split(".")[0] == "shelterplan":
            assert module in PUBLIC, module
            assert wanted is None or not wanted.startswith("_"), (module, wanted)
        else:
            top = module.split(".")[0]
            assert top in OTHERS or top in sys.stdlib_module_names, module
    for node in (node for tree in trees(name) for node in ast.walk(tree)):
        if isinstance(node, ast.Attribute):
            assert not node.attr.startswith("_"), node.attr


@pytest.mark.parametrize("name", NAMES)
def test_it_reads_like_a_lesson(name):
    cells = read(name)["cells"]
    kinds = [cell["cell_type"] for cell in cells]
    assert kinds[0] == kinds[-1] == "markdown"
    assert cells[0]["source"].startswith("# ")
    told = "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "markdown")
    assert "illustrative" in cells[0]["source"] or "made up" in cells[0]["source"]
    assert max(len(line) for line in told.splitlines()) <= 100
    for first, second, third in zip(kinds, kinds[1:], kinds[2:], strict=False):
        assert "markdown" in {first, second, third}, "three cells of code without a word"
    pictures = [cell["source"] for cell in code_cells(read(name)) if "plt.show()" in cell["source"]]
    assert pictures
    for source in pictures:
        assert "sign(figure)" in source or "['attribution']" in source
    assert told.count("**What it shows:**") == told.count("not:**") >= len(pictures)


@pytest.mark.parametrize("arguments", [["check", "--select", "E,F,I,UP,B"], ["format", "--check"]])
def test_style(arguments):
    style = ["--isolated", "--no-cache", "--line-length", "100"]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *arguments, *style, str(FOLDER)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_quickstart_takes_fifteen_lines():
    lines = 0
    for cell in code_cells(read("01_quickstart")):
        lines += sum(1 for line in cell["source"].splitlines() if line.strip())
        if "gaps =" in cell["source"]:
            break
    assert lines <= 15


def test_quickstart(tmp_path):
    found = run(
        "01_quickstart",
        tmp_path,
        "{'gaps': gaps['gap_population'].to_dict(), 'statuses': by_status.to_dict(),"
        " 'walkers': walkers['gap_population'].to_dict(), 'csv': content.decode('utf-8-sig')}",
    )
    area = StudyArea.open("monaco")
    plan = make_plan(area, Scenario.of(walker="elderly"), AccessStandard(max_distance_m=500))
    ranked = plan.communities["gap_population"].sort_values(ascending=False, kind="stable")
    assert list(found.told["gaps"].items()) == list(ranked.items())
    walks = plan.demand
    lost = ~walks["status"].isin(["covered", "capacity_unknown"]).to_numpy()
    for community, people in found.told["gaps"].items():
        here = (walks["community_id"] == community).to_numpy()
        assert people == walks["population"].to_numpy()[here & lost].sum()
    assert list(found.told["statuses"]) == list(STATUSES)
    assert sum(found.told["statuses"].values()) == area.demand["population"].sum()
    for walker, people in found.told["walkers"].items():
        standard = AccessStandard(max_time_s=600)
        assert people == make_plan(area, Scenario.of(walker=walker), standard).total.gap_population
    exported = pd.read_csv(io.StringIO(found.told["csv"]))
    assert exported["community_id"].tolist() == ranked.index.tolist()
    assert exported["illustrative"].eq("candidates, hazards, shelters").all()
    table = next(
        output["data"]["text/html"]
        for cell in code_cells(found.notebook)
        if "gaps =" in cell["source"]
        for output in cell["outputs"]
    )
    names = plan.communities["name"].loc[ranked.index]
    assert [table.index(name) for name in names] == sorted(table.index(name) for name in names)
    assert f"{names.iloc[0]}: {ranked.iloc[0]:,.0f}" in " ".join(found.printed().split())
    assert base64.b64decode(found.pictures()[0]).startswith(b"\x89PNG")


def test_your_own_city(tmp_path):
    found = run(
        "04_your_own_city",
        tmp_path,
        "{'total': plan.total.to_dict(), 'gaps': gaps['gap_population'].to_dict(),"
        " 'aside': set_aside.to_dict('records'), 'complaint': complaint, 'unclear': unclear,"
        " 'decided': decided, 'roads': road_plan.total.to_dict(), 'nought': as_nought.to_dict(),"
        " 'fit': fit['beside_street_share'].to_dict(), 'encoding': gbk.facts['encoding'],"
        " 'question': question, 'capacity': shelters_read.table['capacity'].isna().tolist()}",
    )
    told, lesson = found.told, found.lesson
    people = pd.read_csv(lesson / "people.csv", dtype=str)["population"]
    assert [row["row"] for row in told["aside"]] == [people.tolist().index("about 50") + 2]
    assert told["total"]["population"] == pd.to_numeric(people, errors="coerce").sum()
    assert list(told["gaps"].values()) == sorted(told["gaps"].values(), reverse=True)
    assert set(told["gaps"]) == {"01", "02", "03"}

    built, kept = (StudyArea.open(lesson / name) for name in ("lesson", "kept"))
    assert kept.illustrative == {"communities", "demand", "shelters"}
    assert kept.title != built.title
    for area in (built, kept):
        again = make_plan(area, standard=AccessStandard(max_distance_m=500))
        assert again.total.to_dict() == pytest.approx(told["total"])
        assert again.communities["gap_population"].to_dict() == told["gaps"]

    assert "latitude and longitude not swapped" in told["complaint"]
    assert told["encoding"] == "gb18030"
    assert told["question"].startswith("[out:json]")
    assert told["fit"]["gcj02"] > 2 * told["fit"]["wgs84"]
    assert "nobody can tell" in told["unclear"][0]
    assert "--shelters-datum gcj02" in told["decided"][0]

    assert told["roads"]["median_distance_m"] > told["total"]["median_distance_m"]
    assert told["roads"]["population"] == told["total"]["population"]
    assert sum(told["capacity"]) == 3
    unknown = told["total"]["capacity_unknown_population"]
    assert told["nought"]["covered_population"] == told["total"]["covered_population"]
    assert told["nought"]["full_population"] - told["total"]["full_population"] == unknown > 0
    assert np.isfinite(told["total"]["median_distance_m"])
    assert len(found.pictures()) == 1
