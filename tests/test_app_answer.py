"""What a resident is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shelterplan.app import answer as told
from shelterplan.app.markup import cards, table
from shelterplan.app.words import LANGUAGES, Words, catalogue
from shelterplan.finder import Answer, Option, Refused
from shelterplan.routes import Route, Step
from shelterplan.scenario import Scenario
from shelterplan.situation import REASONS

INF = float("inf")


DAY = Scenario()
FLOOD = Scenario(hazard="flood", hazard_level=2)


def an_option(
    *steps: Step,
    capacity: float | None = None,
    leg_start_m=5.0,
    leg_end_m=40.0,
    **changes,
):
    route = Route(
        distance_m=412.3,
        walk_time_s=325.0,
        leg_start_m=leg_start_m,
        leg_end_m=leg_end_m,
        entry=0,
        nodes=(),
        pieces=(),
        geometry=None,
        steps=steps,
    )
    option = Option(
        shelter_id="s",
        name="Stade <Louis>",
        kind="sports hall",
        distance_m=412.3,
        walk_time_s=325.0,
        status="covered",
        capacity=capacity,
        capacity_from="unknown" if capacity is None else "stated",
        fitness="yes",
        fills_at_share=None,
        route=route,
    )
    return replace(option, **changes)


def beneath(words, answer, scenario=DAY) -> list[str]:
    """The lines beneath the answer, with ordinary blanks."""
    return [plain(text) for text in told.headline(words, answer, scenario)[1]]


def plain(text: str) -> str:
    """Return a text with ordinary blanks."""
    return text.replace("\xa0", " ")


def a_step(turn, name="", *, steps=False, street_class="residential"):
    return Step(
        turn=turn, name=name, street_class=street_class, steps=steps, bearing="NE", distance_m=101.0
    )


WAY = (
    a_step("start", "Rue Grimaldi"),
    a_step("left", steps=True, street_class="steps"),
    a_step("slight_right", street_class="footway"),
    a_step("arrive"),
)


def test_the_answer_in_words():
    words, option = Words("en"), an_option(*WAY)
    answer = Answer("ok", 5.0, (option,))
    assert told.headline(words, answer, DAY)[0] == "Nearest shelter: Stade <Louis>"
    assert beneath(words, answer) == ["420 m, 6 minutes on foot"]
    assert [plain(text) for text in told.caption(words, option, DAY)] == [
        "420 m, 6 minutes on foot",
        "sports hall · room unknown",
    ]
    assert [plain(line) for line in told.directions(words, option)] == [
        "Go north-east along Rue Grimaldi for 110 m.",
        "Turn left onto the stairs, 110 m.",
        "Bear right onto the footpath, 110 m.",
        "Leave the street and walk 40 m to the entrance.",
        "You are at Stade <Louis>.",
    ]
    assert told.uses_stairs(option)


def second_line(scenario=DAY, **changes) -> str:
    return plain(told.caption(Words("en"), an_option(**changes), scenario)[1])


def test_room_is_told_with_how_it_is_known():
    assert second_line(capacity=1200.0) == "sports hall · room for 1,200"
    about = "sports hall · room for about 80, estimated from its area"
    assert second_line(capacity=80.0, capacity_from="area") == about


def test_fitness_is_told_in_a_hazard_only():
    assert "fit" not in second_line()
    assert second_line(FLOOD).endswith("fit for: flood")
    assert second_line(FLOOD, fitness="unknown").endswith("not known whether it is fit for: flood")


@pytest.mark.parametrize(
    ("share", "told_so"),
    [
        (0.609, "full when 60 % of the people nearest to it have come"),
        (0.999999, "full when 99 % of"),
        (0.004, "full when < 1 % of"),
        (0.0, "expected to have no room"),
    ],
)
def test_when_it_fills_is_told_and_never_too_late(share, told_so):
    assert told_so in second_line(fills_at_share=share)


def test_another_shelter_is_advised_when_the_nearest_fills():
    nearest = an_option(name="A", fills_at_share=0.6)
    answer = Answer("ok", 5.0, (nearest, an_option(name="B", walk_time_s=685.0)), advised=1)
    assert told.headline(Words("en"), answer, DAY)[0] == "Go to B"
    assert beneath(Words("en"), answer)[1:] == [
        "A fills at 60 % of its expected demand; use B, 6 minutes more."
    ]
    quicker = replace(answer, options=(nearest, an_option(name="B", walk_time_s=300.0)))
    assert beneath(Words("en"), quicker)[1].endswith("use B, which takes no longer.")


def test_it_is_said_when_no_other_shelter_is_better():
    answer = Answer("ok", 5.0, (an_option(fills_at_share=0.6), an_option()))
    assert beneath(Words("en"), answer)[1].startswith("It fills at 60 % of its expected demand;")


def test_the_time_before_people_leave_is_told():
    late = Scenario(delay_s=600.0)
    answer = Answer("ok", 5.0, (an_option(),))
    assert beneath(Words("en"), answer, late) == [
        "420 m, 6 minutes on foot",
        "Leaving after 10 minutes, you are there after 16 minutes.",
    ]
    line = plain(told.caption(Words("en"), an_option(), late)[0])
    assert line == "420 m, 6 minutes on foot, there after 16 minutes"


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("reason", [*REASONS[1:], "cut_off"])
def test_every_reason_for_a_refusal_has_plain_words(lang, reason):
    shelter = Refused("s", "<b>Halle", "school", 120.0, reason)
    answer = Answer("ok", 5.0, (an_option(),), refused=(shelter,))
    assert f"refusal.{reason}" in catalogue()
    [line] = told.refused(Words(lang), answer)
    assert line.startswith("<b>Halle")
    assert "_" not in line
    assert "<b>" not in told.refused_html(Words(lang), answer)
    assert " open" not in told.refused_html(Words(lang), answer).partition("<ul>")[0]
    assert "<details class='refused' open>" in told.refused_html(
        Words(lang), replace(answer, options=())
    )


def test_the_nearest_that_can_be_used_is_not_called_the_nearest():
    shelter = Refused("s", "Halle", "school", 120.0, "in_zone")
    answer = Answer("ok", 5.0, (an_option(),), refused=(shelter,))
    assert told.headline(Words("en"), answer, FLOOD)[0] == "Go to Stade <Louis>"
    assert [plain(line) for line in told.refused(Words("en"), answer)] == [
        "Halle, 120 m away: it lies in the danger zone"
    ]


def test_a_place_in_a_zone_is_warned():
    there = Answer("cut_off", 5.0, (), hazard_level=3)
    assert told.danger(Words("en"), there, FLOOD) == (
        "This place lies in a danger zone: Flood, level 3 of 4."
    )
    assert told.danger(Words("en"), replace(there, hazard_level=0), FLOOD) == ""


@pytest.mark.parametrize("status", ["cut_off", "unsafe"])
@pytest.mark.parametrize(("hazard", "up"), [("flood", True), ("fire", False), ("", False)])
def test_who_can_go_nowhere_is_told_what_to_do(status, hazard, up):
    words, answer = Words("en"), Answer(status, 5.0, ())
    said = beneath(words, answer, Scenario(hazard=hazard))
    assert said[-1] == "Ask the authorities or the emergency services what to do."
    assert ("go up" in " ".join(said)) == up
    yet = words("instead.before") in said
    assert yet == (status == "cut_off" and bool(hazard))
    before = beneath(words, answer, Scenario(hazard=hazard, phase="before"))
    assert words("instead.before") not in before


def test_a_long_way_to_the_street_is_told_first():
    first = told.directions(Words("en"), an_option(*WAY, leg_start_m=60.0))[0]
    assert plain(first) == "Walk 60 m to the street."


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("status", ["outside", "no_network", "no_path", "cut_off", "unsafe"])
def test_every_state_is_told_in_plain_words(lang, status):
    line, more = told.headline(Words(lang), Answer(status, INF, ()), FLOOD)
    assert line
    assert all(more)
    assert "inf" not in line + " ".join(more)
    other = told.headline(Words(lang), Answer("no_path", 1.0, ()), FLOOD)
    assert (line, more) != other or status == "no_path"


def test_outside_the_area_is_said_even_with_shelters_near():
    line, _ = told.headline(Words("en"), Answer("outside", 1.0, (an_option(),)), DAY)
    assert "outside" in line


def test_named_stairs_are_said_to_be_stairs():
    text = told.sentence(Words("en"), a_step("left", "Escalier", steps=True))
    assert plain(text) == "Turn left onto Escalier, 110 m. Stairs."


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_turn_makes_a_sentence(lang):
    words = Words(lang)
    for turn in (
        "start",
        "straight",
        "slight_left",
        "left",
        "sharp_left",
        "slight_right",
        "right",
        "sharp_right",
        "u_turn",
    ):
        assert "{" not in told.sentence(words, a_step(turn, "X"))
        assert "X" in told.sentence(words, a_step(turn, "X"))


def test_names_are_inert_on_the_page():
    bad = "<script>window.__X=1</script>'\""
    pieces = (told.steps_html([bad]), table([bad], [[bad]], lang=bad), cards([(bad, [(bad, bad)])]))
    for made in pieces:
        assert "<script>" not in made
        assert "'\"" not in made


def test_a_position_that_is_not_sure_is_said_to_be_so():
    sure = told.origin(Words("en"), "position", name="", accuracy_m=20.0)
    unsure = told.origin(Words("en"), "position", name="", accuracy_m=420.0)
    assert sure == "From your position"
    assert "420 m" in plain(unsure)
