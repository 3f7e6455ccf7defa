"""What a resident is told."""

from __future__ import annotations

import pytest

from shelterplan.app import answer as told
from shelterplan.app.markup import cards, table
from shelterplan.app.words import LANGUAGES, Words
from shelterplan.finder import Answer, Option
from shelterplan.routes import Route, Step

INF = float("inf")


def an_option(*steps: Step, capacity: float | None = None, leg_start_m=5.0, leg_end_m=40.0):
    route = Route(
        distance_m=412.3,
        leg_start_m=leg_start_m,
        leg_end_m=leg_end_m,
        entry=0,
        nodes=(),
        pieces=(),
        geometry=None,
        steps=steps,
    )
    return Option(
        shelter_id="s",
        name="Stade <Louis>",
        kind="sports hall",
        distance_m=412.3,
        walk_time_s=325.0,
        status="covered",
        capacity=capacity,
        route=route,
    )


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
    line, more = told.headline(words, Answer("ok", 5.0, (option,)), max_leg_m=500.0)
    assert (line, plain(more)) == ("Nearest shelter: Stade <Louis>", "420 m, 6 minutes on foot")
    assert (
        plain(told.caption(words, option))
        == "420 m, 6 minutes on foot · sports hall · room unknown"
    )
    assert [plain(line) for line in told.directions(words, option)] == [
        "Go north-east along Rue Grimaldi for 110 m.",
        "Turn left onto the stairs, 110 m.",
        "Bear right onto the footpath, 110 m.",
        "Leave the street and walk 40 m to the entrance.",
        "You are at Stade <Louis>.",
    ]
    assert told.uses_stairs(option)


def test_room_is_told_when_it_is_known():
    assert told.caption(Words("en"), an_option(capacity=1200.0)).endswith("room for 1,200")


def test_a_long_way_to_the_street_is_told_first():
    first = told.directions(Words("en"), an_option(*WAY, leg_start_m=60.0))[0]
    assert plain(first) == "Walk 60 m to the street."


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("status", ["outside", "no_network", "no_path"])
def test_every_state_is_told_in_plain_words(lang, status):
    answer = Answer(status, INF, ())
    line, more = told.headline(Words(lang), answer, max_leg_m=500.0)
    assert line
    assert more
    assert "inf" not in line + more
    assert (line, more) != told.headline(
        Words(lang), Answer("no_path", 1.0, ()), max_leg_m=500.0
    ) or status == "no_path"


def test_outside_the_area_is_said_even_with_shelters_near():
    line, _ = told.headline(Words("en"), Answer("outside", 1.0, (an_option(),)), max_leg_m=500.0)
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
