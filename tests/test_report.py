"""The report: what it tells of a village that can be checked by eye, in words and in a command."""

from __future__ import annotations

import hashlib
import json
import math
import re
import shlex
import sys
from dataclasses import asdict, replace
from datetime import date
from functools import cache
from pathlib import Path
from string import Formatter

import click
import geopandas as gpd
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from shelterplan import tables
from shelterplan.cli.report import report as command_line
from shelterplan.cli.scenario_flags import scenario_options, standard_options
from shelterplan.errors import UnknownNameError
from shelterplan.plan import make_plan
from shelterplan.scenario import WALKERS, Scenario, Walker
from shelterplan.siting.proposal import Proposal
from shelterplan.standards import AccessStandard, presets
from shelterplan.views import pdf, proposal_telling
from shelterplan.views.report import ReportError, report
from shelterplan.views.report.as_html import to_html
from shelterplan.views.report.contents import day_of_report
from shelterplan.views.report.html_equity import measure_value
from shelterplan.views.report.picture import FILLS, share_class
from shelterplan.views.report.repeat import asked_for, command, scenario_flags, standard_flags
from shelterplan.views.report.voice import Voice, texts, unit_of
from tests import village

DAY = date(2026, 1, 31)
NBSP = "\u00a0"


def sites(*rows):
    """Return sites; a row is (id, name, room, metres east, metres north)."""
    table = gpd.GeoDataFrame(
        {"name": [row[1] for row in rows], "capacity": [row[2] for row in rows]},
        geometry=[village.point(*row[3:]) for row in rows],
        crs=4326,
        index=pd.Index([row[0] for row in rows], name="site_id"),
    )
    return tables.checked("candidates", table)


def proposal(area, title="Mill plan", *rows):
    rows = rows or [("a", "Old Mill", 60, 20, 5)]
    return Proposal.of(title, sites(*rows), area, Scenario(), AccessStandard())


@pytest.fixture(scope="module")
def place():
    return village.village()


@pytest.fixture(scope="module")
def told(place):
    return report(place, proposals=[proposal(place)], today=DAY)


def text_of(html: bytes) -> str:
    """Return the words of a page, one blank between two."""
    body = re.sub(r"<style>.*?</style>|<title>.*?</title>", "", html.decode(), flags=re.DOTALL)
    plain = re.sub(r"<[^>]+>", " ", body)
    plain = re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), plain)
    return re.sub(r"[ \n]+", " ", plain)


def rows_of(html: bytes, section: str) -> list[list[str]]:
    """Return the rows of the tables of a section of a page."""
    part = html.decode().partition(f"<section id='{section}'>")[2].partition("</section>")[0]
    return [
        [text_of(cell.encode()).strip() for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", part)
    ]


def test_every_text_is_there_in_every_language_with_the_same_values():
    for key, both in texts().items():
        assert tuple(both) == proposal_telling.LANGUAGES, key
        fields = [{name for _, name, _, _ in Formatter().parse(both[one]) if name} for one in both]
        assert fields[0] == fields[1], key


def test_the_people_of_every_table_add_up(told):
    total = told.plan.total
    assert told.tables["statuses"]["population"].sum() == total["population"] == 200
    for name in ("districts", "communities"):
        for column in ("population", "gap_population", "too_far_population"):
            assert told.tables[name][column].sum() == total[column]
    changes = told.tables["proposal_communities"]
    gained = changes["newly_people"].sum() - changes["lost_people"].sum()
    assert gained == changes["after_people"].sum() - changes["before_people"].sum() == 60


def test_the_answer_by_eye(told):
    # 50 at the west end of the lane and 30 at the east have a place: 80 of 200.
    page = to_html(told)
    said_ = text_of(page)
    assert "120 people have no place within 500" in said_
    assert f"60{NBSP}% of all 200 people" in said_
    districts = rows_of(page, "gaps")
    west = next(row for row in districts if row[1:2] == ["West End"])
    assert west[:5] == ["1", "West End", "150", "100", f"66.7{NBSP}%"]
    annex = {row[0]: row for row in rows_of(page, "annex")}
    assert annex["All"][2:4] == ["200", "120"]
    assert annex["East End"][2:4] == ["37", "7"]
    assert f"own limit (500{NBSP}m)" in said_
    assert "own choice and no official standard" in said_


def test_winners_are_named_with_their_figures(told):
    page = to_html(told)
    rows = {row[0]: row for row in rows_of(page, "proposals")}
    assert rows["West End"][1:5] == ["150", "50", "110", "+60"]
    assert rows["All"][1:5] == ["200", "80", "140", "+60"]
    assert "Better off: West End (+60)" in text_of(page)


def test_several_proposals_are_compared(place):
    both = [proposal(place), proposal(place, "Sea", ("b", "Sea Wall", None, 25, 3005))]
    found = report(place, proposals=both, today=DAY)
    rows = rows_of(to_html(found), "proposals")
    assert [row[:4] for row in rows[1:3]] == [
        ["1. Mill plan", "1", "60", "0"],
        ["2. Sea", "1", "13", "0"],
    ]
    assert found.tables["proposals"]["newly_people"].tolist() == [60.0, 13.0]
    assert sorted(set(found.tables["proposal_communities"]["proposal"])) == [1, 2]
    with pytest.raises(ReportError, match="at most 4"):
        report(place, proposals=both * 3, today=DAY)


def test_what_is_not_known_is_counted(place):
    found = report(place, Scenario(hazard="flood"), today=DAY)
    missing = found.tables["unknowns"].set_index("topic")
    assert missing.loc["room", ["count", "total"]].tolist() == [1, 2]
    assert missing.loc["verified", ["count", "total"]].tolist() == [2, 2]
    assert missing.loc["fitness", ["count", "total"]].tolist() == [2, 2]
    assert missing.loc["zones", "count"] == 1
    page = text_of(to_html(found))
    for line in missing["said"]:
        assert line in page


@pytest.mark.parametrize(
    ("scenario", "standard", "language"),
    [
        (Scenario(), AccessStandard.preset("cn_gb51143_emergency"), "zh"),
        (Scenario(room="ignored"), AccessStandard(max_time_s=300), "en"),
        (Scenario(room="nearest", delay_s=600.0), AccessStandard(max_time_s=300), "zh"),
        (Scenario.of(walker="wheelchair", hazard="flood", time="night"), AccessStandard(), "en"),
    ],
)
def test_every_situation_can_be_told(scenario, standard, language):
    zone = gpd.GeoDataFrame(
        {"hazard": ["flood"], "level": [3], "return_period": [100], "source": ["made up"]},
        geometry=[village.box(550, -300, 1100, 300)],
        index=pd.Index(["z"], name="zone_id"),
        crs=4326,
    )
    area = village.village(hazards=zone)
    page = text_of(to_html(report(area, scenario, standard, language=language, today=DAY)))
    assert "{" not in page.partition("shelterplan report")[0]
    assert "nan" not in page.replace("finance", "")
    assert standard.source.rstrip(".") in page


def test_places_without_people_shelters_or_gaps_can_be_told():
    nobody = village.village(demand=village.demand([("west", 0, 10, 0)]))
    assert "Nobody lives here" in text_of(to_html(report(nobody, today=DAY)))
    none = village.village(shelters=village.shelters().iloc[:0])
    assert "200 people have no place" in text_of(to_html(report(none, today=DAY)))
    near = village.village(demand=village.demand([("west", 9, 400, 60)]))
    assert "Everybody has a place." in text_of(to_html(report(near, today=DAY)))


def test_a_share_is_never_rounded_up_to_everybody():
    voice = small()
    assert voice.share_of(0.9999999) == f">{NBSP}99.9{NBSP}%"
    assert voice.lacking(0.9999999) == f">{NBSP}99.9{NBSP}%"
    assert voice.lacking(0.0000001) == f"<{NBSP}0.1{NBSP}%"
    assert voice.lacking(0.0) == f"0{NBSP}%"
    assert (voice.share_of(math.nan), voice.lacking(math.nan)) == ("–", "–")


@given(st.integers(0, 10_000), st.integers(1, 10_000))
def test_the_shares_of_those_with_and_without_a_place_add_up(part, more):
    everybody = part + more
    voice = small()
    having, lacking = voice.share_of(part / everybody), voice.lacking(1 - part / everybody)
    if not {"<", ">"} & {having[0], lacking[0]}:
        numbers = [float(one.removesuffix(f"{NBSP}%")) for one in (having, lacking)]
        assert sum(numbers) == pytest.approx(100)


@cache
def small() -> Voice:
    """Return the words on the village."""
    area = village.village()
    return Voice.of(make_plan(area), area, "en")


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_is_never_darker(one, other):
    low, high = sorted((one, other))
    assert share_class(low) <= share_class(high)
    light = [int(fill[1:3], 16) for fill in FILLS]
    assert light == sorted(light)


_scenarios = st.builds(
    lambda walker, hazard, level, phase, gates, time, delay, room, fitness, closed, period: (
        Scenario.of(
            walker=walker,
            hazard=hazard,
            hazard_level=level,
            phase=phase,
            gates=gates,
            time=time,
            delay_s=delay * 60.0,
            room=room,
            unknown_fitness=fitness,
            closed_streets=tuple(closed),
            return_period=period,
        )
    ),
    st.sampled_from(sorted(WALKERS)),
    st.sampled_from(["", "flood", "tsunami"]),
    st.integers(1, 4),
    st.sampled_from(["during", "before"]),
    st.sampled_from(["open", "emergency"]),
    st.sampled_from(["any", "day", "night"]),
    st.integers(0, 90),
    st.sampled_from(["assigned", "nearest", "ignored"]),
    st.sampled_from(["accept", "refuse"]),
    st.lists(st.integers(0, 99), max_size=3, unique=True),
    st.sampled_from([None, 100]),
)
_standards = st.one_of(
    st.integers(0, 9999).map(lambda metres: AccessStandard(max_distance_m=float(metres))),
    st.integers(0, 90).map(lambda minutes: AccessStandard(max_time_s=minutes * 60.0)),
    st.just(AccessStandard.preset("jp_miyagi_tsunami")),
    st.just(AccessStandard(area_m2_per_person=1.5)),
)


def asked(flags: list[str]) -> tuple[Scenario, AccessStandard]:
    """Return what the command line makes of flags."""
    found = []

    @click.command()
    @scenario_options
    @standard_options
    def take(scenario, standard):
        found.extend((scenario, standard))

    result = CliRunner().invoke(take, flags)
    assert result.exit_code == 0, result.output
    return tuple(found)


@given(_scenarios, _standards)
def test_the_command_asks_for_the_same(scenario, standard):
    words = scenario_flags(scenario.to_dict())
    given_ = {
        "name": standard.name,
        "max_distance_m": standard.max_distance_m,
        "max_time_s": standard.max_time_s,
        "area_m2_per_person": standard.area_m2_per_person,
    }
    assert asked([*words, *standard_flags(given_)]) == (scenario, standard)


def test_a_speed_of_ones_own_is_in_the_command(place):
    slow = replace(WALKERS["elderly"], speed_m_s=0.7, certainty="own choice", source="mine")
    words = scenario_flags(Scenario(walker=slow).to_dict())
    assert words == ["--walker", "elderly", "--speed-m-s", "0.7"]
    assert asked(words)[0].walker.speed_m_s == 0.7


_walkers = st.one_of(
    st.sampled_from(sorted(WALKERS)).map(WALKERS.get),
    st.builds(
        lambda name, speed, **more: replace(WALKERS[name], speed_m_s=speed, **more),
        st.sampled_from(sorted(WALKERS)),
        st.floats(0.1, 9),
        certainty=st.just("own choice"),
        source=st.sampled_from(["given by the user", "mine"]),
        steps=st.booleans(),
    ),
    st.just(Walker(name="my group", speed_m_s=0.7)),
)


@given(
    st.builds(
        Scenario,
        walker=_walkers,
        delay_s=st.floats(0, 9999),
        max_leg_m=st.sampled_from([500.0, 200.0]),
        island_slack_m=st.sampled_from([50.0, 75.5]),
        closed_areas=st.sampled_from([(), ("POLYGON ((0 0, 1 0, 1 1, 0 0))",)]),
    ),
    st.one_of(
        st.builds(
            replace,
            st.sampled_from(sorted(presets())).map(presets().get),
            area_m2_per_person=st.sampled_from([None, 1.5, 1.2345678901]),
        ),
        st.floats(0, 9999).map(lambda metres: AccessStandard(max_distance_m=metres)),
        st.floats(0, 90).map(lambda minutes: AccessStandard(max_time_s=minutes * 60)),
    ),
)
def test_the_whole_command_asks_for_the_same(tmp_path_factory, scenario, standard):
    area = small().area
    plan = replace(small().found.before, manifest=plan_manifest(scenario, standard))
    line = command(Voice.of(plan, area, "en"), proposals=0, day=DAY, time_limit_s=10)
    flags = shlex.split(line)[5:-2]
    if "--scenario" in flags:
        file = tmp_path_factory.getbasetemp() / "scenario.toml"
        file.write_text(scenario.to_toml(), "utf-8")
        flags[flags.index("scenario.toml")] = str(file)
    again, limit = asked(flags)
    assert again == scenario
    assert (limit.limit, limit.area_m2_per_person) == (standard.limit, standard.area_m2_per_person)


def plan_manifest(scenario, standard):
    metres = standard.max_distance_m if standard.limit.unit == "m" else None
    return {
        "scenario": scenario.to_dict(),
        "standard": asdict(standard) | {"max_distance_m": metres},
    }


def test_a_scenario_that_no_flags_set_is_read_from_a_file(place):
    mine = AccessStandard(max_distance_m=600, name="ours", source="council")
    found = report(place, Scenario(max_leg_m=200.0), mine, today=DAY)
    line = found.manifest["command"]
    assert "--scenario scenario.toml --distance-m 600 --date" in line
    said_ = text_of(to_html(found))
    assert "Save the scenario of the manifest as scenario.toml" in said_
    assert "No flags set the name, source and certainty of the standard" in said_
    plain = report(place, Scenario.of(walker="elderly"), today=DAY)
    assert "Save the scenario" not in text_of(to_html(plain))


def test_measures_without_limit_or_value_are_told(place):
    near = village.village(demand=village.demand([("west", 200, 10, 0), ("east", 9, 600, 60)]))
    rows = {row[0]: row[-1] for row in rows_of(to_html(report(near, today=DAY)), "equity")}
    assert rows["Palma ratio: best served 10 % over worst served 40 %"] == "no limit"
    chinese = rows_of(to_html(report(near, today=DAY, language="zh")), "equity")
    assert "无上限" in [row[-1] for row in chinese]
    none = village.village(shelters=village.shelters().iloc[:0])
    found = to_html(report(none, proposals=[proposal(none)], today=DAY))
    reason = "(nobody has a place: there is nothing to share out)"
    gini = f"Could not be worked out: Gini index between communities (0: equal) {reason}"
    assert text_of(found).count(gini) == 2  # of the analysis, and of the proposal
    changes = {row[0]: row[1:] for row in rows_of(found, "proposals")}
    gini = changes["Gini index between communities (0: equal)"]
    assert (gini[0], gini[2]) == ("–", "not known")
    assert "Children: share with a place less that of everybody (the data does not" in text_of(
        found
    )


def test_the_manifest_tells_which_sites_were_proposed(told, place):
    (kept,) = told.manifest["proposals"]
    assert (kept["title"], kept["sites"], kept["site_ids"]) == ("Mill plan", 1, ["a"])
    lon, lat = village.lonlat(20, 5)
    text = f'[["a",{round(lon, 7)},{round(lat, 7)},60.0,null]]'
    assert kept["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    two = [("a", "Old Mill", 60, 20, 5), ("b", "Sea", None, 25, 3005)]
    hashes = {
        asked_for(proposal(place, "any", *rows))["sha256"]
        for rows in (two, two[::-1], two[:1], [two[0], ("b", "Sea", 5, 25, 3005)])
    }
    assert len(hashes) == 3  # the order of the rows is nothing


def test_shares_of_those_without_a_place_are_rounded_up():
    demand = [("west", 1, 10, 0), ("east", 2, 990, 10)]
    page = to_html(report(village.village(demand=village.demand(demand)), today=DAY))
    shares = {row[0]: row[2] for row in rows_of(page, "answer")}
    assert shares["shelter too far"] == f"33.4{NBSP}%"
    assert shares["with a confirmed place"] == f"66.6{NBSP}%"
    assert measure_value(small(), "district_gap", 0.42781) == f"42.8{NBSP}%"
    assert measure_value(small(), "district_gap", 0.42701) == f"42.8{NBSP}%"
    assert measure_value(small(), "worst_district", 0.42799) == f"42.7{NBSP}%"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"shelters": village.shelters().iloc[:0]}, "Nobody has a way to any fit shelter."),
        ({"shelters": village.shelters().iloc[:0]}, "The data has no shelter."),
        (
            {"demand": village.demand([("west", 60, 400, 60), ("isle", 40, 25, 3005)])},
            "walk at most 350 m to the nearest fit shelter; more than one in ten have no way",
        ),
        (
            {"demand": village.demand([("west", 40, 400, 60), ("isle", 60, 25, 3005)])},
            "More than half of the people have no way to any fit shelter.",
        ),
        ({"demand": village.demand([("west", 1, 10, 0)])}, "of the only person"),
        ({"demand": village.demand([("west", 1.4, 10, 0)])}, "of all 1.4 people"),
    ],
)
def test_few_people_and_no_shelters_are_told_properly(changes, said):
    area = village.village(**changes)
    page = text_of(to_html(report(area, today=DAY))).replace(NBSP, " ")
    assert said in page
    chinese = text_of(to_html(report(area, today=DAY, language="zh")))
    for page_, wrong in (
        (page, ("at most no way", "All 0 shelters", "nine of ten: no way", "no way is how long")),
        (chinese, ("最多步行 无路", "最多 无路", "全部 0 处", "九成人：无路")),
    ):
        assert [one for one in wrong if one in page_] == []


def test_a_district_without_a_name_is_told_as_one():
    nameless = village.communities().assign(district=["", "", "Sea"], name=["", "East End", "Isle"])
    area = village.village(communities=nameless)
    page = to_html(report(area, proposals=[proposal(area)], today=DAY))
    names = [
        cell for part in ("gaps", "equity", "proposals", "annex") for cell in rows_of(page, part)
    ]
    assert sum("a district without a name" in row for row in names) >= 5
    assert any("a community without a name" in row for row in names)
    assert not any("a site without a name" in row for row in names)


def test_only_shelters_in_use_count_as_unknown(place):
    closed = Scenario(hazard="flood", closed_shelters=("park",))
    found = report(place, closed, today=DAY).tables["unknowns"].set_index("topic")
    assert "room" not in found.index  # that of the park, which is closed
    assert found.loc["fitness", ["count", "total"]].tolist() == [1, 1]
    strict = report(place, replace(closed, unknown_fitness="refuse"), today=DAY)
    found = strict.tables["unknowns"].set_index("topic")
    assert found.loc["fitness", ["count", "total"]].tolist() == [1, 1]


def test_the_date_is_given_or_that_of_the_build(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert day_of_report() == date(1970, 1, 2)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(ReportError, match="seconds since 1970"):
        day_of_report()


def test_an_unknown_language_is_refused(place):
    with pytest.raises(UnknownNameError, match="en, zh"):
        report(place, language="fr")


def test_every_column_is_explained_in_words(told):
    rows = told.tables["columns"]
    assert len(rows) == sum(
        len([column for column in table.columns if column != "geometry"])
        for name, table in told.tables.items()
        if name != "columns"
    )
    plain = rows[rows["meaning"] == rows["column"].str.replace("_", " ")]
    assert set(plain["column"]) <= set()
    assert set(rows["unit"]) <= {"", "m", "s", "min", "m²", "people", "0–1", "years"}
    assert (unit_of("p90_walk_time_s"), unit_of("reason")) == ("s", "")


def test_the_manifest_is_whole(told):
    rows = told.tables["manifest"].set_index("entry")["json"]
    assert json.loads(rows["area.version"]) == told.area.version
    assert json.loads(rows["scenario.walker.speed_m_s"]) == 1.27
    assert json.loads(rows["day"]) == "2026-01-31"
    assert json.loads(rows["command"]) == (
        "shelterplan report village --out report.html --distance-m 500 "
        "--proposal proposal-1.geojson --date 2026-01-31"
    )


@pytest.fixture(scope="module")
def folder(place, tmp_path_factory):
    folder = tmp_path_factory.mktemp("area") / "village"
    place.save(folder)
    return folder


def run(*words):
    return CliRunner().invoke(command_line, list(map(str, words)), catch_exceptions=False)


def test_the_command_writes_every_format_and_says_so(folder, place, tmp_path):
    plan = tmp_path / "plan.geojson"
    proposal(place).write(plan)
    outs = [
        tmp_path / f"r.{ending}" for ending in ("html", "xlsx", "gpkg", "zip", "csv", "parquet")
    ]
    flags = [word for out in outs for word in ("--out", out)]
    result = run(folder, *flags, "--proposal", plan, "--date", "2026-01-31", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    assert (found["population"], found["gap_population"]) == (200.0, 120.0)
    assert [Path(one["path"]).name for one in found["written"]] == [out.name for out in outs]
    for out, one in zip(outs, found["written"], strict=True):
        files = [out] if out.is_file() else list(out.iterdir())
        assert sum(file.stat().st_size for file in files) == one["bytes"] > 0
    again = run(folder, "--out", tmp_path / "r.csv", "--lang", "zh", "--date", "2026-01-31")
    assert again.exit_code == 0
    assert "120 of 200 people have no place" in again.output
    assert not (tmp_path / "r.csv" / "proposals.csv").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_the_command_overwrites_nothing_that_is_not_its_own(folder, tmp_path):
    mine = tmp_path / "r.parquet"
    mine.mkdir()
    (mine / "thesis.docx").write_bytes(b"precious")
    result = CliRunner().invoke(command_line, [str(folder), "--out", str(mine)])
    assert "no folder of .parquet files alone" in str(result.exception)
    assert (mine / "thesis.docx").read_bytes() == b"precious"
    assert [path.name for path in tmp_path.iterdir()] == ["r.parquet"]


def test_the_command_refuses_what_it_cannot_write(folder, tmp_path):
    assert "must end in" in run(folder, "--out", tmp_path / "r.docx").output
    five = [word for _ in range(5) for word in ("--proposal", folder / "area.toml")]
    assert "at most 4" in run(folder, "--out", tmp_path / "r.html", *five).output


def test_a_computer_that_cannot_make_pdfs_is_told_what_to_install(monkeypatch, folder, tmp_path):
    def missing():
        raise pdf.PdfError(pdf.MISSING)

    monkeypatch.setattr(pdf, "_engine", missing)
    out = tmp_path / "r.pdf"
    flags = [str(folder), "--out", str(tmp_path / "r.html"), "--out", str(out)]
    result = CliRunner().invoke(command_line, flags)
    assert "apt-get install libpango" in str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_the_map_has_what_a_map_needs(told):
    svg = to_html(told).decode().partition("<figure><svg")[2].partition("</svg>")[0]
    assert svg.count("fill-rule='evenodd'") == 3  # one path a community
    assert "OpenStreetMap contributors" in svg
    assert ">N<" in svg
    assert "km</text>" in svg
    places = re.findall(r"<circle cx='([\d.]+)' cy='([\d.]+)' r='([\d.]+)'", svg)
    assert len(places) == 3  # 100 in the west, 7 in the north, 13 on the island
    assert max(float(radius) for _, _, radius in places) == 6.5


def test_communities_that_share_a_rank_come_by_people_and_it_is_said():
    """Twenty communities without any shelter near; the first twelve are those with most people."""
    many = gpd.GeoDataFrame(
        {"name": [f"Part {i}" for i in range(20)], "district": "Town"},
        index=[f"p{i:02}" for i in range(20)],
        geometry=[village.box(50 * i, -20, 50 * i + 50, 20) for i in range(20)],
        crs="EPSG:4326",
    )
    people = village.demand([(f"p{i:02}", 10 + i, 50 * i + 25, 1) for i in range(20)])
    far = village.shelters([("far", "Far School", 5, village.point(25, 3001))])
    area = village.village(communities=many, demand=people, shelters=far)
    page = to_html(report(area, Scenario(), AccessStandard(max_distance_m=100), today=DAY)).decode()
    part = page[page.index("Which communities come first") :]
    shown = re.findall(r"Part&#32;\d+|Part \d+", part[: part.index("share rank 1")])
    assert {int(one.split(" ")[-1].split(";")[-1]) for one in shown} == set(range(8, 20))
    assert "20 communities share rank 1" in part


def test_a_district_whose_name_turns_the_direction_of_writing_costs_nothing():
    turned = village.communities().assign(district=["\u202eTown", "\u202eTown", "Sea\u200f"])
    place = village.village(communities=turned)
    page = to_html(report(place, Scenario(), AccessStandard())).decode()
    assert "Town" in page
    assert "\u202e" not in page


def test_without_the_engine_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "weasyprint", None)  # as if it were not there
    assert not pdf.ready()
    with pytest.raises(pdf.PdfError, match="Pango"):
        pdf.to_pdf("<p>x</p>")
