"""Community cards: the figures of the finder and of the coverage, every text inert."""

from __future__ import annotations

import dataclasses
import html
import json
import math
import re
from string import Formatter

import numpy as np
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from shelterplan import StudyArea, coverage
from shelterplan.cli import main
from shelterplan.earth import GEODESIC
from shelterplan.errors import UnknownNameError
from shelterplan.finder import find_shelters
from shelterplan.scenario import WALKERS, Scenario
from shelterplan.standards import AccessStandard
from shelterplan.views.cards import LinkError, cards, checked_link, main_streets, to_html
from shelterplan.views.cards.labels import Placed, Sheet
from shelterplan.views.cards.link import square
from shelterplan.views.cards.picture import DASHES, draw
from shelterplan.views.cards.telling import LANGUAGES, Words, cut, texts, whole_minutes, width
from shelterplan.views.proposal_telling import lost

from . import village
from .test_views_escape import PAYLOADS

NORMAL = AccessStandard()
LINK = "https://example.org/map"


@pytest.fixture(scope="module")
def monaco():
    return StudyArea.open("monaco")


@pytest.fixture(scope="module")
def place():
    return village.village()


def only(area, community, **more):
    return cards(area, communities=[community], **more)[0]


def text_of(page: str) -> str:
    """Return what is read of a page: no tags, no style, entities resolved."""
    page = re.sub(r"<(style|title)>.*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).replace("\u00a0", " ").split())


def test_every_text_is_there_in_every_language_with_the_same_values():
    for key, both in texts().items():
        assert tuple(both) == LANGUAGES, key
        fields = [{name for _, name, _, _ in Formatter().parse(both[one]) if name} for one in both]
        assert fields[0] == fields[1], key


def test_every_status_walker_and_reason_has_a_word():
    statuses = {key.removeprefix("status.") for key in texts() if key.startswith("status.")}
    assert statuses == {*coverage.STATUSES} - {"covered"}
    assert {key.removeprefix("walker.") for key in texts() if key.startswith("walker.")} == {
        *WALKERS
    }


def test_main_streets_of_the_village(place):
    found = main_streets(place).set_index(["community_id", "name"])
    # 150 people of the west live by the High Street; 7 of the east live 1.5 km from any street
    assert found["people"].to_dict() == {
        ("east", "High Street"): 30.0,
        ("east", "Mill Lane"): 0.0,
        ("isle", "Island Path"): 13.0,
        ("west", "High Street"): 150.0,
    }
    lengths = found["length_m"].round().to_dict()
    assert lengths == {
        ("east", "High Street"): 600.0,  # a piece lies where its middle is
        ("east", "Mill Lane"): 100.0,
        ("isle", "Island Path"): 50.0,
        ("west", "High Street"): 400.0,
    }
    # the middle of the people of the west: (100 * 10 + 50 * 400) / 150 = 140 m from the west end
    lon, lat = found.loc[("west", "High Street"), ["lon", "lat"]]
    assert GEODESIC.inv(*village.lonlat(140, 0), lon, lat)[2] < 0.05
    # nobody lives by the Mill Lane: its middle
    lon, lat = found.loc[("east", "Mill Lane"), ["lon", "lat"]]
    assert GEODESIC.inv(*village.lonlat(600, 50), lon, lat)[2] < 0.05


def test_main_streets_follow_the_rule(monaco):
    found = main_streets(monaco, count=3)
    assert found.groupby("community_id").size().max() == 3
    for _, rows in found.groupby("community_id"):
        keys = list(zip(-rows["people"], -rows["length_m"], rows["name"], strict=True))
        assert keys == sorted(keys)
    some = main_streets(monaco, communities=["larvotto"], count=3)
    whole = found[found["community_id"] == "larvotto"].reset_index(drop=True)
    pd.testing.assert_frame_equal(some, whole)


def test_homes_count_for_the_nearest_named_street(monaco):
    """Recomputed home by home, with the plainest means."""
    named = monaco.streets[monaco.streets["name"].notna()].to_crs(monaco.crs)
    homes = monaco.demand[monaco.demand["community_id"] == "larvotto"].to_crs(monaco.crs)
    people: dict[str, float] = {}
    for point, number in zip(homes.geometry, homes["population"], strict=True):
        name = named["name"].iloc[int(np.argmin(named.distance(point)))]
        people[name] = people.get(name, 0.0) + number
    rows = main_streets(monaco, communities=["larvotto"])
    assert all(people.get(row["name"], 0.0) == row["people"] for _, row in rows.iterrows())
    assert rows["people"].iloc[0] == max(people.values())


SETTINGS = [
    (Scenario(), NORMAL),
    (Scenario.of(hazard="storm_surge"), NORMAL),
    (Scenario.of(walker="elderly", time="night"), AccessStandard(max_time_s=300)),
    (Scenario.of(walker="assisted"), AccessStandard(max_time_s=400)),
]


@pytest.mark.parametrize(
    ("scenario", "standard", "communities"),
    [
        (*SETTINGS[0], ["monte-carlo"]),
        (*SETTINGS[1], ["fontvieille"]),
        (*SETTINGS[2], ["larvotto"]),
        (*SETTINGS[3], ["la-rousse"]),
    ],
)
def test_ways_are_those_of_the_finder(monaco, scenario, standard, communities):
    made = cards(
        monaco,
        communities=communities,
        scenario=scenario,
        standard=standard,
    )
    count = len(monaco.shelters)
    for way in made[0].ways[:3]:
        here = {"lon": way.lon, "lat": way.lat, "standard": standard}
        answer = find_shelters(monaco, scenario=scenario, **here)
        if not way.shelter_id:
            assert way.status == answer.status
            continue
        option = answer.options[answer.advised]
        assert way.shelter_id == option.shelter_id
        assert way.distance_m == option.distance_m
        assert way.within == (option.status == "covered")
        assert way.walk_time_s[scenario.walker.name] == pytest.approx(option.walk_time_s, abs=0.002)
        assert way.stairs == any(step.steps for step in option.route.steps)
        assert way.line.length == pytest.approx(
            option.distance_m - option.route.leg_start_m - option.route.leg_end_m,
            rel=0.002,
            abs=0.1,
        )
        for name in {"adult", "elderly"} - {scenario.walker.name}:
            other = scenario.with_changes(walker=WALKERS[name])
            options = find_shelters(monaco, scenario=other, count=count, **here).options
            same = [one for one in options if one.shelter_id == way.shelter_id]
            assert way.walk_time_s[name] == pytest.approx(same[0].walk_time_s, abs=0.002)
        if way.stairs:
            pushed = scenario.with_changes(walker=WALKERS["pushchair"])
            options = find_shelters(monaco, scenario=pushed, count=count, **here).options
            same = [one for one in options if one.shelter_id == way.shelter_id]
            assert way.step_free_m == (same[0].distance_m if same else math.inf)


@pytest.mark.parametrize(("scenario", "standard"), SETTINGS[:2])
def test_people_are_those_of_the_coverage(monaco, scenario, standard):
    found = coverage.examine(monaco, scenario, standard)
    summed = coverage.summary(found.people, found.people["community_id"])
    for card in cards(monaco, scenario=scenario, standard=standard):
        row = summed.loc[card.community_id]
        assert card.population == row["population"]
        assert card.people["covered"] == row["covered_population"]
        for status in coverage.STATUSES[1:]:
            assert card.people[status] == row[f"{status}_population"]
        assert card.out_of_reach == row["population"] - row["reached_people"]
        near = sum(one.nearest_people for one in card.shelters) + card.other_people
        people = found.people[found.people["community_id"] == card.community_id]
        assert near == people.loc[people["shelter_id"].notna(), "population"].sum()
        walks = [one.mean_walk_m for one in card.shelters]
        assert walks == sorted(walks)


def test_a_shelter_that_fills_up():
    """150 people of the west; the school is nearest for 50 of them and for 37 of the east."""
    place = village.village(
        shelters=village.shelters(
            [
                ("school", "Mill School", 20, village.point(390, 5)),
                ("park", "Long Park", None, village.point(20, 5)),
            ]
        )
    )
    west = only(place, "west", standard=AccessStandard(max_distance_m=450))
    school = next(one for one in west.shelters if one.shelter_id == "school")
    park = next(one for one in west.shelters if one.shelter_id == "park")
    assert (school.nearest_people, school.full_people, school.room) == (50.0, 30.0, 20.0)
    assert (park.nearest_people, park.sent_people) == (100.0, 30.0)
    assert math.isnan(park.room)
    said = text_of(to_html([west]))
    assert "Expected to fill up: 30 people from here find no place in it." in said
    assert "30 more are sent here: nearer ones are full" in said
    assert "20 people" in said
    assert "not known" in said


def test_a_community_without_any_shelter(place):
    card = only(place, "isle")
    assert not card.has_way
    assert [way.status for way in card.ways] == ["no_path"]
    for language in LANGUAGES:
        said = text_of(to_html([only(place, "isle", language=language)]))
        for key in ("people.none", "people.ask"):
            assert said.count(texts()[key][language]) == 1
    assert "13 of the 13 people here have no shelter within reach (500 m)." in text_of(
        to_html([card])
    )


def test_a_community_in_which_nobody_lives(place):
    empty = village.village(demand=village.demand([("west", 5, 10, 0)]))
    card = only(empty, "isle")
    assert card.population == 0
    assert "Nobody is known to live here." in text_of(to_html([card]))


def test_a_study_area_whose_streets_have_no_names():
    streets = village.streets()
    edges = streets.edges.assign(name=None)
    place = village.village(streets=dataclasses.replace(streets, edges=edges))
    card = only(place, "west")
    assert card.ways == ()
    assert "No street here has a known name." in text_of(to_html([card]))


def test_what_is_read_of_a_card_in_both_languages(monaco):
    for language in LANGUAGES:
        words = Words(monaco, language)
        card = only(monaco, "monaco-ville", language=language, link="https://example.org/m")
        page = to_html([card])
        said = text_of(page)
        expected = [
            words.say("card.kicker"),
            "Monaco-Ville",
            words.say("card.check"),
            words.say("card.rule"),
            "https://example.org/m",
            "2023-12-26",
            "OpenStreetMap",
            words.say("people.all", all="1,000", limit=words.limit(NORMAL)),
            words.say("status.capacity_unknown", people="1,000"),
            words.word("fit", "no"),
        ]
        for one in card.shelters:
            values = {"people": lost(one.nearest_people), "all": "1,000"}
            expected += [words.named(one.name), words.say("card.nearest", **values)]
        for way in card.ways:
            expected += [way.name, words.distance(way.distance_m)]
            expected += [words.minutes(seconds) for seconds in way.walk_time_s.values()]
        for text in expected:
            assert text in said
        assert page.count("<section class='card'") == 1
        assert f"<html lang='{'en' if language == 'en' else 'zh-Hans'}'>" in page


def test_illustrative_data_says_so(monaco, place):
    for language in LANGUAGES:
        words = Words(monaco, language)
        listed = words.listed([words.word("table", "shelters"), words.word("table", "hazards")])
        text = words.say("card.illustrative", list=listed)
        made = cards(monaco, communities=["larvotto", "fontvieille"], language=language)
        assert to_html(made).count("class='banner'") == len(made)
        assert text in text_of(to_html(made[:1]))
    assert "banner'" not in to_html(cards(place))


def test_without_a_link_nothing_is_said_of_one(place):
    page = to_html(cards(place))
    assert "image/png" not in page
    assert "phone" not in text_of(page)
    assert page.count("class='code'") == 0


def test_the_square_holds_the_link():
    """The picture is the matrix of the code, whose quiet zone is four squares wide."""
    import base64
    import io

    import segno
    from PIL import Image

    link = "https://example.org/map.html"
    picture = Image.open(io.BytesIO(base64.b64decode(square(link).split(",", 1)[1])))
    dark = ~np.asarray(picture.convert("L")).astype(bool)[4::8, 4::8]
    expected = np.pad(np.array(segno.make(link, error="m", micro=False).matrix, bool), 4)
    assert (dark == expected).all()


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "https://",
        "https:///map",
        "https://user:word@example.org/",
        "https://example.org/a b",
        "https://example.org/'><script>",
        "https://example.org/地图",
        "https://example.org:port/",
        "https://[::1/",
        "example.org",
        "https://example.org/" + "a" * 300,
        "\x00https://example.org",
    ],
)
def test_links_that_are_no_addresses_are_refused(place, link):
    with pytest.raises(LinkError):
        checked_link(link)
    with pytest.raises(LinkError):
        cards(place, link=link)


def test_strangers_are_refused(place):
    with pytest.raises(UnknownNameError, match="community"):
        cards(place, communities=["north"])
    with pytest.raises(UnknownNameError, match="language"):
        cards(place, language="fr")


def test_fitness_is_told_in_words_for_each_hazard():
    table = village.shelters().assign(fit_flood=["yes", "no"], fit_tsunami=["unknown", "yes"])
    place = village.village(shelters=table)
    east = only(place, "east")
    fits = {one.shelter_id: one.fitness for one in east.shelters}
    assert fits["park"] == {"flood": "no", "tsunami": "yes"}
    said = text_of(to_html([east]))
    for text in ("flood: NO", "tsunami: yes"):
        assert text in said
    # under a flood nobody is sent to the park, and the flood comes first
    flooded = only(place, "east", scenario=Scenario.of(hazard="flood"))
    assert [one.shelter_id for one in flooded.shelters] == ["school"]
    assert list(flooded.shelters[0].fitness) == ["flood", "tsunami"]
    assert "In case of flood" in text_of(to_html([flooded]))
    nothing = text_of(to_html([only(village.village(), "east")]))
    assert "not known for any hazard" in nothing


OWN_PACE = Scenario.of(
    walker=dataclasses.replace(WALKERS["adult"], speed_m_s=0.4), delay_s=300.0, hazard="flood"
)


def heads_of(page: str) -> list[str]:
    """Return the heads of the columns of times."""
    table = re.search(r"<table class='streets'>.*?</thead>", page, flags=re.DOTALL)
    return [text_of(cell) for cell in re.findall(r"<th>(.*?)</th>", table[0])][3:]


@pytest.mark.parametrize(
    ("language", "speed", "older"), [("en", "0.4 m/s", "older"), ("zh", "0.4 米/秒", "老人")]
)
def test_a_speed_of_ones_own_is_not_told_as_that_of_an_adult(place, language, speed, older):
    card = only(place, "west", scenario=OWN_PACE, language=language)
    page = to_html([card])
    assert heads_of(page) == [speed, older]
    assert card.words.say("card.walking", speed=speed) in text_of(page)
    (way,) = card.ways
    assert way.walk_time_s["adult"] == pytest.approx(way.distance_m / 0.4, abs=0.01)
    usual = only(place, "west", scenario=Scenario.of(walker="assisted"))
    assert heads_of(to_html([usual])) == ["needs help", "adult", "older"]
    assert "class='figures three'" in to_html([usual])  # smaller: times must not touch
    assert "class='figures three'" not in page
    assert "m/s" not in text_of(to_html([usual]))


def test_the_time_before_people_leave_is_told_with_the_limit(place):
    """The park is at most 500 m from anybody: 21 minutes at 0.4 m/s, 5 more before that."""
    high_street = only(place, "west").ways[0]
    walk_s = high_street.distance_m / 0.4
    standard = AccessStandard(max_time_s=60.0 * math.ceil(walk_s / 60 + 2))
    slow = only(place, "west", scenario=OWN_PACE, standard=standard)
    assert not slow.ways[0].within
    limit = f"{standard.max_time_s / 60:g} min"
    said = text_of(to_html([slow]))
    assert f"With 5 min before leaving: more than {limit}" in said
    assert f"near enough: at most {limit} in all" in said
    assert "farther than" not in said
    soon = OWN_PACE.with_changes(delay_s=0.0)
    assert "before leaving" not in text_of(
        to_html([only(place, "west", scenario=soon, standard=standard)])
    )


def test_whatever_is_unusual_is_told(place):
    scenario = OWN_PACE.with_changes(
        hazard_level=3, return_period=1000, phase="before", gates="emergency", time="night"
    ).with_changes(room="nearest", unknown_fitness="refuse", closed_streets=(0, 1), slope="none")
    assert Words(place, "en").assumed(scenario) == [
        "walking at 0.32 m/s",
        "people leave after 5 minutes",
        "zones of level 3 and worse",
        "zones struck at least once in 1,000 years",
        "on its way",
        "at night",
        "emergency gates open",
        "only shelters known to be fit",
        "everybody goes to the nearest shelter first",
        "2 streets, areas or shelters closed by hand",
    ]
    dry = Scenario(hazard_level=3, return_period=1000, phase="before", room="ignored")
    for language, text in (("en", "room not looked at"), ("zh", "不考虑容量")):
        words = Words(place, language)
        assert words.assumed(dry) == [text]
        assert words.assumed(Scenario()) == []
        said = text_of(to_html([only(place, "west", scenario=scenario, language=language)]))
        assert all(one in said for one in words.assumed(scenario))


def test_a_cut_off_place_where_nobody_lives_gives_no_warning():
    """Nobody times an endless walk is no walk; pytest takes a warning for an error."""
    homes = village.demand([("west", 50, 10, 10), ("isle", 0, 25, 3005)])
    place = village.village(demand=homes)
    card = only(place, "west")
    (park, *_) = card.shelters
    assert np.isfinite(park.mean_walk_m)
    assert only(place, "isle").population == 0


def test_stairs_and_the_way_without(place):
    """A home at the head of the stair, the shelter at its foot."""
    rows = [
        (0, 1, [(0, 0), (100, 0)], "Low Street", "residential"),
        (1, 2, [(100, 0), (100, 60)], None, "steps"),
        (2, 3, [(100, 60), (0, 60)], "High Terrace", "residential"),
    ]
    homes = village.demand([("west", 10, 10, 62)])
    door = village.shelters([("school", "Mill School", 50, village.point(5, -3))])
    stair = village.village(streets=village.streets(rows), demand=homes, shelters=door)
    card = only(stair, "west")
    way = next(way for way in card.ways if way.name == "High Terrace")
    assert way.stairs
    assert way.step_free_m == math.inf
    assert "Has stairs. No way without stairs is known." in text_of(to_html([card]))
    around = [*rows, (3, 0, [(0, 60), (0, 0)], None, "footway")]
    longer = village.village(streets=village.streets(around), demand=homes, shelters=door)
    assert not next(way for way in only(longer, "west").ways if way.name == "High Terrace").stairs


@pytest.fixture(scope="module")
def odd(monaco):
    """Monaco with hostile names, twenty times as long as they need be."""

    def named(table):
        names = [PAYLOADS[i % len(PAYLOADS)] * (1 + 19 * (i % 2)) for i in range(len(table))]
        return table.assign(name=names)

    first = dataclasses.replace(monaco.sources[0], date=PAYLOADS[5])
    return dataclasses.replace(
        monaco,
        name="odd",
        title=PAYLOADS[0] * 9,
        shelters=named(monaco.shelters),
        communities=named(monaco.communities).assign(district=PAYLOADS[6]),
        streets=named(monaco.streets),
        sources=(first, *monaco.sources[1:]),
        notes=tuple(PAYLOADS),
        _digests={},
        _snapped={},
        _networks={},
    )


def test_hostile_names_do_nothing(odd):
    page = to_html(cards(odd, communities=list(odd.communities.index[:4]), link=LINK))
    body = page.partition("<main>")[2]
    for tag in re.findall(r"<(\w+)", body):
        assert tag in {
            "section",
            "header",
            "p",
            "h1",
            "h2",
            "div",
            "svg",
            "defs",
            "pattern",
            "path",
            "rect",
            "circle",
            "text",
            "span",
            "table",
            "colgroup",
            "col",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "strong",
            "b",
            "footer",
            "img",
        }
    assert not re.search(r"\son\w+=", body)
    texts_only = re.sub(r"<[^>]*>", "", body)
    assert not set("{}`$") & set(texts_only)
    sources = re.findall(r"(?:src|href|url)\s*[=(]\s*'?([^')\s]+)", body)
    assert {one.partition(",")[0] for one in sources} <= {
        "data:image/png;base64",
        "data:image/svg+xml;base64",
    }


def test_the_page_asks_for_nothing(monaco):
    page = to_html(cards(monaco, communities=["larvotto"], link="https://example.org/map"))
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "://" not in page
    assert "@import" not in page


def test_nothing_on_a_map_lies_on_anything_else(monaco, odd):
    for area in (monaco, odd):
        for card in cards(area, communities=["monte-carlo", "la-condamine", "larvotto"]):
            row = int(area.communities.index.get_indexer([card.community_id])[0])
            more = {"community": row, "ways": card.ways, "letters": card.letters, "high": 400.0}
            svg, placed = draw(card.ground, card.words, **more)
            names = [one for one in placed if len(one.text) > 1]
            boxes = [shapely.box(*one.box) for one in placed]
            for one in names:
                mine = shapely.box(*one.box)
                area_of = [mine.intersection(box).area for box in boxes]
                assert sorted(area_of)[-2] < 1e-6, one
                assert mine.within(shapely.box(0, 0, 448, 400))
            assert len(names) <= 10
            if area is monaco:
                assert names
            assert "NaN" not in svg
            assert "nan" not in svg


def test_maps_are_black_white_and_grey(monaco):
    page = to_html([only(monaco, "jardin-exotique", scenario=Scenario.of(hazard="landslide"))])
    colours = {*re.findall(r"(?:fill|stroke|color|background|solid|dashed)[=: ]'?#(\w+)", page)}
    assert colours
    for colour in colours:
        size = len(colour) // 3
        assert len({colour[at : at + size] for at in (0, size, 2 * size)}) == 1, colour
    assert len(set(DASHES)) == len(DASHES)


@given(st.text(), st.floats(2, 60))
def test_a_cut_text_is_never_wider_than_it_may_be(text, most):
    short = cut(text, most)
    assert width(short) <= most + 0.11
    assert short == text or short.endswith("…")


@given(st.lists(st.tuples(st.floats(0, 300), st.floats(0, 200)), max_size=12))
def test_marks_never_lie_on_each_other_if_there_is_room(points):
    sheet = Sheet(300, 200)
    for number, point in enumerate(points[:6]):
        sheet.mark(str(number), point, 19)
    for name, point in zip("abcdef", points[6:], strict=False):
        sheet.name(name * 5, [point], 14)
    for i, one in enumerate(sheet.taken):
        for other in sheet.taken[:i]:
            if len(one.text) > 1:
                assert shapely.box(*one.box).intersection(shapely.box(*other.box)).area < 1e-6


def test_a_name_never_hides_a_way():
    way = shapely.LineString([(0, 50), (300, 50)])
    sheet = Sheet(300, 200, way)
    assert sheet.name("street", [(150, 50)], 14) is None
    placed = sheet.name("street", [(150, 50), (150, 80)], 14)
    assert isinstance(placed, Placed)
    assert placed.y == 80


@pytest.mark.parametrize(("seconds", "minutes"), [(0.0, 1), (60.0, 1), (60.001, 2), (3599.0, 60)])
def test_minutes_are_rounded_up(seconds, minutes):
    assert whole_minutes(seconds) == minutes


def run(*arguments):
    return CliRunner().invoke(main_with_cards(), [*map(str, arguments)])


def main_with_cards():
    from shelterplan.cli.cards import cards as command

    if "cards" not in main.commands:
        main.add_command(command)
    return main


def test_the_command_writes_the_cards(tmp_path):
    out = tmp_path / "cards.html"
    done = run("cards", "monaco", "--community", "larvotto", "--lang", "zh", "--out", out)
    assert done.exit_code == 0, done.output
    assert "Larvotto" in done.output
    assert "Written:" in done.output
    assert "请提前在当地核实" in text_of(out.read_text("utf-8"))


def test_the_command_prints_json(tmp_path):
    out = tmp_path / "cards.html"
    done = run("cards", "monaco", "--district", "Monaco", "--json", "--out", out)
    assert done.exit_code == 0, done.output
    rows = json.loads(done.output)
    assert len(rows) == 9
    assert sum(row["population"] for row in rows) == 38367
    assert {"shelters", "main_streets", "too_far_population"} <= {*rows[0]}
    assert rows[0]["shelters"][0]["room"] is None


@pytest.mark.parametrize(
    "wrong",
    [
        ("--out", "cards.txt"),
        ("--out", "c.html", "--community", "nowhere"),
        ("--out", "c.html", "--district", "nowhere"),
        ("--out", "c.html", "--district", "Monaco", "--community", "larvotto"),
        ("--out", "c.html", "--link", "javascript:x"),
        ("--out", "no/such/folder/c.html", "--community", "larvotto"),
    ],
)
def test_the_command_refuses_what_cannot_be(wrong, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run("cards", "monaco", *wrong)
    assert done.exit_code != 0
    assert "Traceback" not in done.output
    assert not list(tmp_path.iterdir())


def test_a_card_says_when_it_was_made(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    page = html.unescape(to_html(cards(village.village(), communities=["west"])))
    assert "Made on 2026-01-01" in page
