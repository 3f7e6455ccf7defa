"""A proposal in words and on a card, on a village where every number can be checked by eye."""

from __future__ import annotations

import re
from dataclasses import replace
from string import Formatter
from types import SimpleNamespace

import geopandas as gpd
import pandas as pd
import pytest

from shelterplan import tables
from shelterplan.scenario import Scenario
from shelterplan.siting.evaluate import evaluate
from shelterplan.siting.result import SitingResult
from shelterplan.siting.suggest import Wish
from shelterplan.standards import AccessStandard
from shelterplan.views.proposal_card import card, command
from shelterplan.views.proposal_telling import LANGUAGES, Telling, texts
from shelterplan.views.proposal_words import paragraph, parts
from tests import village

MILL = ("a", "Old Mill", 60, 2, 20, 5)
SEA = ("b", "Sea Wall", None, None, 25, 3005)
EMPTY = ("c", "Empty", 0, 1, 20, 5)
FAR = ("d", "Far Field", 9, 1, 980, 5)


def sites(*rows):
    """Return sites; a row is (id, name, room, cost, metres east, metres north)."""
    table = gpd.GeoDataFrame(
        {
            "name": [row[1] for row in rows],
            "capacity": [row[2] for row in rows],
            "cost": [row[3] for row in rows],
        },
        geometry=[village.point(*row[4:]) for row in rows],
        crs=4326,
        index=pd.Index([row[0] for row in rows], name="site_id"),
    )
    return tables.checked("candidates", table)


@pytest.fixture(scope="module")
def place():
    return village.village()


def told(place, *rows, language="en", title="Mine", **settings) -> Telling:
    settings = {"compare": False} | settings
    return Telling(evaluate(place, sites(*rows), **settings), language, title, place)


def test_every_text_is_there_in_every_language_with_the_same_values():
    for key, both in texts().items():
        assert tuple(both) == LANGUAGES, key
        fields = [{name for _, name, _, _ in Formatter().parse(both[one]) if name} for one in both]
        assert fields[0] == fields[1], key


def test_a_site_that_gives_sixty_people_a_place(place):
    said = parts(told(place, MILL))
    assert said["sites"] == "“Mine” proposes 1 new shelter in Village."
    assert said["gain"] == (
        "It gives 60 more people a place near enough: 140 of 200 people (70\u00a0%) have one then, "
        "80 (40\u00a0%) now."
    )
    assert said["walks"] == (
        "60 people who have a place then have a shorter walk to the nearest shelter, by 8.7 "
        "minutes on average (524 minutes for all of them together)."
    )
    assert said["winners"] == "Better off: West End (+60)."
    assert said["losers"] == "No community has people who lose their place."
    assert said["use"] == (
        "60 people would be sent to its sites, none of whom has a place without it. "
        "It takes nobody off the existing shelters."
    )
    assert said["room"] == (
        "How many people 1 of the 2 existing shelters have room for is not known: they are taken "
        "to have room for everybody."
    )
    assert said["standard"] == (
        "Near enough means 500\u00a0m on foot, which is an own choice and no official standard."
    )
    assert "unused" not in said
    assert "best" not in said


def test_the_same_in_chinese(place):
    said = parts(told(place, MILL, language="zh"))
    assert said["sites"] == "“Mine”提议在Village新增 1 处避难场所。"
    assert said["gain"] == (
        "足够近处有位置的人增加 60 人：200 人中由现在的 80 人（40%）变为 140 人（70%）。"
    )
    assert said["winners"] == "受益：West End（+60）。"
    assert said["losers"] == "没有社区有人失去位置。"
    assert said["standard"] == "足够近指步行 500 米，该限值为自行设定，并非官方标准。"


def test_people_without_a_way_get_one_and_the_worst_district_is_another(place):
    said = parts(told(place, SEA))
    assert said["walks"].endswith("13 people who had no way to any shelter have one then.")
    assert said["equity"].endswith(
        "The worst served district is Sea now (0\u00a0% of its people have a place), Town then "
        "(42.7\u00a0%)."
    )
    assert said["room"].startswith("How many people 1 of its 1 sites and 1 of the 2 existing")


def test_a_site_that_helps_nobody_says_why(place):
    said = parts(told(place, FAR))
    assert said["gain"] == (
        "It gives nobody a place who has none: 80 of 200 people (40\u00a0%) have one near enough, "
        "with it and without it. "
        "The reason: whoever would be sent to its sites has a place without them."
    )
    assert "winners" not in said
    assert said["use"].endswith("It takes people off 1 existing shelter: Mill School (9 people).")
    said = parts(told(place, EMPTY))
    assert said["gain"].endswith("The reason: nobody would be sent to any of its sites.")
    assert said["unused"] == "Nobody would be sent to Empty: it has no room."
    said = parts(told(place, EMPTY, language="zh"))
    assert said["gain"].endswith("原因：不会有人被安排到其任何场地。")
    assert said["unused"] == "不会有人被安排到Empty：没有容量。"


def test_unknown_room_can_count_for_nobody(place):
    said = parts(told(place, SEA, counted="confirmed"))
    assert said["gain"].startswith("It gives nobody a place who has none: ")
    assert "taken to have room for nobody" in said["room"]


def test_who_loses_a_place_is_named(place):
    one = told(place, MILL)
    worse = one.found.communities.assign(lost_people=[0.0, 3.2, 0.0])
    said = parts(replace(one, found=replace(one.found, communities=worse)))
    assert said["losers"] == "Worse off: East End (−4)."


def test_more_than_five_communities_are_counted(place):
    one = told(place, MILL)
    row = one.found.communities.iloc[[0]]
    for count, ending in ((6, "and 1 more community."), (8, "and 3 more communities.")):
        many = replace(one.found, communities=pd.concat([row] * count))
        assert parts(replace(one, found=many))["winners"].endswith(ending)


def plan(one: Telling, places: float, bound: float, **wish):
    """Return a best plan that gives so many people a place."""
    names = list(one.found.sites.index)
    return SimpleNamespace(
        after=SimpleNamespace(total={"possible_people": places}),
        result=SitingResult.of([0], places, bound, seconds=1.0, sense="most"),
        candidates=pd.DataFrame({"suitable": True, "doubts": ""}, index=[*names, "z"]),
        sites=one.found.sites,
        wish=Wish(**(wish or {"sites": 1})),
    )


@pytest.mark.parametrize(
    ("places", "bound", "wish", "said"),
    [
        (
            150,
            150,
            {"budget": 2.0},
            (
                "The best plan at the same cost (2) would give 70 more people a place, 10 more "
                "than this one; it is proven that no other choice among the 2 suitable sites that "
                "are known gives more."
            ),
        ),
        (
            150,
            160,
            {},
            (
                "The best plan of 1 site that was found would give 70 more people a place, 10 more "
                "than this one; it is not proven to be the best: at most 80 is possible with the 2 "
                "suitable sites that are known."
            ),
        ),
        (
            140,
            140,
            {},
            (
                "It is proven that no plan of 1 site gives more people a place, among the 2 "
                "suitable sites that are known."
            ),
        ),
        (
            140,
            145.5,
            {},
            (
                "No better plan of 1 site was found, but that is not proven: at most 66 more "
                "people than now could have a place, with the 2 suitable sites that are known."
            ),
        ),
        (
            130,
            130,
            {},
            (
                "The best plan of 1 site that the rules for new sites allow gives 50 more people a "
                "place, 10 fewer than this one."
            ),
        ),
    ],
)
def test_the_best_plan_is_called_so_only_where_it_is_proven(place, places, bound, wish, said):
    one = told(place, MILL)
    other = plan(one, places, bound, **wish)
    assert parts(replace(one, found=replace(one.found, alternative=other)))["best"] == said


def test_why_there_is_no_other_plan(place):
    one = told(place, MILL)
    found = replace(one.found, why_no_alternative="there are no candidates.")
    assert parts(replace(one, found=found))["best"] == (
        "No plan was found to compare it with: there are no candidates."
    )


def test_the_lowest_and_the_highest_of_the_scenarios(place):
    scenarios = {"day": Scenario(), "loose": Scenario(room="ignored")}
    said = parts(told(place, MILL, scenarios=scenarios))
    assert said["interval"] == (
        "In 2 further scenarios the change in people with a place is from +60 (day) to +100 "
        "(loose)."
    )


def test_a_standard_from_memory_is_said_to_be_so(place):
    found = evaluate(
        place,
        sites(MILL),
        standard=AccessStandard.preset("cn_gb51143_emergency"),
        compare=False,
    )
    assert parts(Telling(found, "en", "Mine", place))["standard"] == (
        "Near enough means 500\u00a0m on foot (China GB 51143, emergency), which is from memory of "
        "the standard and was not checked against its text."
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_paragraph_holds_every_sentence_once(place, language):
    one = told(place, MILL, language=language)
    whole = paragraph(one.found, language=language, title="Mine", area=place)
    assert all(whole.count(text) == 1 for text in parts(one).values())
    assert "{" not in whole
    assert "nan" not in whole


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_card_is_inert_and_asks_nobody(place, language):
    hostile = ("a", "</td><script>1</script>{{7*7}}", 60, 2, 20, 5)
    found = evaluate(place, sites(hostile, EMPTY), compare=False)
    title = "<img src=x onerror=1>"
    page = card(found, language=language, title=title, area=place).decode()
    assert not re.search(r"<(script|img|link|iframe|object|form)\b", page)
    assert "{{" not in page
    assert not re.search(r"(src|href)=|url\(\s*['\"]?https?:|@import", page)
    assert "default-src 'none'" in page
    assert title not in page
    assert "OpenStreetMap" in page
    assert "<svg" in page
    assert page.count("class='site") >= 1
    assert "nan" not in page.lower().replace("unan", "")


def test_the_card_has_the_command_that_repeats_it(place):
    scenario = Scenario(closed_shelters=("school",), room="nearest", time="night", delay_s=300)
    found = evaluate(place, sites(MILL), scenario, AccessStandard(max_time_s=600), compare=False)
    one = Telling(found, "zh", "Mine", place)
    assert command(one) == (
        "shelterplan evaluate village --proposal proposal.geojson --time night --room nearest "
        "--delay-min 5 --close-shelter school --minutes 10 --language zh --report card.html"
    )
    assert "method_2" not in card(found, language="zh", title="Mine", area=place).decode()
