"""What one person does is never another's: scenarios, closings, uploads, positions."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from shelterplan.app import jobs, proposals_list, store, uploads
from shelterplan.app.find_page import Place
from shelterplan.coverage import examine
from shelterplan.finder import find_shelters
from shelterplan.memory import Memory
from shelterplan.scenario import WALKERS, Scenario
from shelterplan.standards import AccessStandard
from shelterplan.study_area import StudyArea
from shelterplan.tables import TABLES
from tests.soak import sessions_hostile as hostile
from tests.soak.sessions import Person, World
from tests.soak.sessions_server import Server

from .test_app_pages import IN_MONACO, opened, said

PLACES = [(7.4258, 43.7375), (7.4197, 43.7325), (7.4150, 43.7290)]


def digest(area: StudyArea) -> dict[str, int]:
    """Return what changes if any value of a study area's tables does."""
    return {
        name: int(pd.util.hash_pandas_object(getattr(area, name).astype(str)).sum())
        for name in TABLES
    }


def everything(app: AppTest) -> str:
    """All that a person can see or follow: texts, and the address."""
    return said(app) + json.dumps(dict(app.query_params))


def test_two_people_have_two_scenarios():
    alone = everything(stood(opened(area="monaco")))
    one, two = opened(area="monaco"), opened(area="monaco")
    one.session_state["place"] = two.session_state["place"] = IN_MONACO
    one.selectbox(key="pick_walker").set_value("wheelchair").run()
    one.selectbox(key="pick_hazard").set_value("landslide").run()
    two.run()
    assert everything(two) == alone
    assert everything(one) != alone
    assert "walker" not in two.query_params


def stood(app: AppTest) -> AppTest:
    app.session_state["place"] = IN_MONACO
    return app.run()


def test_what_one_closes_stays_open_for_another():
    shelter = str(store.area("monaco").shelters.index[0])
    before = said(opened("gaps", area="monaco"))
    one = opened("gaps", area="monaco", closed_shelters=shelter)
    two = opened("gaps", area="monaco")
    assert one.session_state["settings"].closed_shelters == (shelter,)
    assert said(two) == before
    assert "closed_shelters" not in two.query_params


def test_an_upload_a_drawing_and_a_position_are_ones_own():
    site = {
        "type": "Feature",
        "properties": {"name": "cnry-of-one"},
        "geometry": {"type": "Point", "coordinates": [7.4212345, 43.7367891]},
    }
    content = json.dumps({"type": "FeatureCollection", "features": [site]}).encode()
    one, two = opened("proposals", area="monaco"), opened("proposals", area="monaco")
    from shelterplan.app.words import Words

    area, words = store.area("monaco"), Words("en")
    one.session_state["proposals"] = [proposals_list.of_file("a.geojson", content, area, words)]
    one.session_state["place"] = Place(7.4212345, 43.7367891, "tap")
    one.run()
    two.run()
    assert "cnry-of-one" in str(one.session_state["proposals"][0].sites)
    for name in ("proposals", "place", "answer", "proposals_found"):
        assert name not in two.session_state or not two.session_state[name]
    shown = said(two) + "".join(str(part.proto) for part in two.main)
    assert "cnry-of-one" not in shown
    assert "7.42123" not in shown


def test_each_session_begins_with_a_list_and_a_desk_of_its_own(monkeypatch):
    desks = []
    for _ in range(2):
        monkeypatch.setattr(proposals_list.st, "session_state", {})
        assert proposals_list.mine() == []
        proposals_list.mine().append("of one")
        assert not any(jobs.desk() is other for other in desks)
        desks.append(jobs.desk())


def test_shared_tables_are_the_same_after_use():
    area = store.area("monaco")
    scenario, standard = Scenario(), AccessStandard()
    plan = store.plan("monaco", area.version, scenario, standard)
    before = digest(area), plan.communities.copy(), plan.shelters.copy()
    for page in ("find", "gaps", "sites", "proposals", "equity", "data"):
        app = opened(page, area="monaco", walker="elderly", hazard="landslide")
        assert not app.exception
    mine = store.plan("monaco", area.version, scenario, standard)
    mine.communities["population"] = 0.0  # even whoever breaks the rule harms nobody else
    mine.manifest["area"] = "spoilt"
    again = store.plan("monaco", area.version, scenario, standard)
    assert digest(area) == before[0]
    pd.testing.assert_frame_equal(again.communities, before[1])
    pd.testing.assert_frame_equal(again.shelters, before[2])
    assert "spoilt" not in str(again.manifest)


def test_threads_with_different_scenarios_get_what_each_would_get_alone():
    def found(area: StudyArea, walker: str, closed: tuple[str, ...]) -> list[object]:
        scenario = Scenario(walker=WALKERS[walker], closed_shelters=closed)
        told = [find_shelters(area, *place, count=2, scenario=scenario) for place in PLACES]
        people = examine(area, scenario).people
        return [
            *((o.shelter_id, o.distance_m) for one in told for o in one.options),
            people["population"].groupby(people["status"]).sum().to_dict(),
        ]

    shared = StudyArea.open("monaco")
    asked = [
        (walker, closed)
        for walker in ("adult", "wheelchair")
        for closed in ((), tuple(shared.shelters.index[:3]))
    ]
    alone = [found(StudyArea.open("monaco"), *one) for one in asked]
    assert len({str(one) for one in alone}) == 4
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda one: found(shared, *one), asked * 2))
    assert together == alone * 2


def test_a_memory_makes_each_thing_once_and_keeps_few():
    memory, made = Memory(most=3), []

    def make(key: int) -> int:
        time.sleep(0.05)
        made.append(key)
        return key * 10

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda key: memory.get(key, lambda: make(key)), [1] * 6 + [2] * 6))
    assert found == [10] * 6 + [20] * 6
    assert sorted(made) == [1, 2]
    for key in range(20):
        memory.get(key, lambda: 0)
    assert len(memory) == 3
    assert memory._turns == {}


def test_what_fails_is_made_again_by_the_next():
    memory = Memory()
    with pytest.raises(ZeroDivisionError):
        memory.get("a", lambda: 1 // 0)
    assert memory.get("a", lambda: 7) == 7
    assert memory._turns == {}


def test_heavy_work_waits_for_its_turn_and_says_when_there_is_none(monkeypatch):
    full = jobs.Shared(at_once=1)
    monkeypatch.setattr(jobs, "shared", lambda: full)
    with (
        jobs.turn(),
        pytest.raises(jobs.BusyError, match="others are being served"),
        jobs.turn(longest_s=0.05),
    ):
        pytest.fail("two at once")
    with jobs.turn(longest_s=0.05):
        pass


PUT = f"{uploads.PATH}session/file"


class Sent:
    """One request through the limits: what came back, and how much the app read."""

    def __init__(self, pieces, *, path=PUT, method="PUT", length=None, limits=None, pause_s=0.0):
        self.status, self.read, self.closed = 0, 0, False
        self.pieces, self.pause_s = list(pieces), pause_s
        headers = [] if length is None else [(b"content-length", str(length).encode())]
        self.scope = {"type": "http", "method": method, "path": path, "headers": headers}
        self.limits = limits or uploads.Limits(self.app, longest_s=0.5)
        self.limits.app = self.app

    async def app(self, scope, receive, send):
        more = True
        while more:
            message = await receive()
            self.read += len(message["body"])
            more = message["more_body"]
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def receive(self):
        await asyncio.sleep(self.pause_s)
        piece = self.pieces.pop(0) if self.pieces else b""
        return {"type": "http.request", "body": piece, "more_body": bool(self.pieces)}

    async def send(self, message):
        self.status = message.get("status", self.status)
        self.closed |= (b"connection", b"close") in message.get("headers", [])

    def run(self):
        asyncio.run(self.limits(self.scope, self.receive, self.send))
        return self


MEGABYTE = b"x" * 1_000_000


def test_a_file_within_the_limit_passes():
    sent = Sent([MEGABYTE] * 5, length=5_000_000).run()
    assert (sent.status, sent.read) == (204, 5_000_000)
    assert sent.limits.under_way.total() == 0


@pytest.mark.parametrize("length", [200_000_000, 6_000_001, "9" * 400, "-1", "0x10", "1e3"])
def test_a_length_that_is_too_long_is_refused_before_the_app_reads(length):
    sent = Sent([MEGABYTE] * 3, length=length).run()
    assert sent.status == (413 if str(length).isdigit() else 400)
    assert sent.read == 0
    assert sent.closed


def test_a_body_that_grows_too_long_is_stopped_on_its_way():
    sent = Sent([MEGABYTE] * 200).run()
    assert sent.status == 413
    assert sent.read <= uploads.MOST_BYTES
    assert len(sent.pieces) > 150  # nobody reads on for long


def test_a_trickle_is_ended():
    sent = Sent([b"x"] * 1000, length=1000, pause_s=0.05).run()
    assert sent.status == 408
    assert sent.limits.under_way.total() == 0


def test_only_so_many_come_at_once():
    limits = uploads.Limits(None)
    limits.under_way.update(map(str, range(uploads.MOST_UNDER_WAY)))
    assert Sent([b"x"], length=1, limits=limits).run().status == 503


def test_one_session_sends_one_file_after_the_other():
    limits = uploads.Limits(None)
    sent = Sent([b"x"], length=1, limits=limits)
    limits.under_way[PUT.split(uploads.PATH)[1].split("/", maxsplit=1)[0]] += uploads.MOST_AT_ONCE
    assert sent.run().status == 429


def test_other_requests_have_small_bodies():
    assert Sent([MEGABYTE], path="/anything", method="POST", length=1_000_000).run().status == 413
    assert Sent([MEGABYTE], path="/anything", method="POST").run().status == 413
    assert Sent([], path="/", method="GET").run().status == 204


def test_a_web_socket_with_text_is_ended():
    heard = []

    async def app(scope, receive, send):
        heard.extend([await receive(), await receive()])

    messages = [
        {"type": "websocket.receive", "bytes": b"x"},
        {"type": "websocket.receive", "text": "x"},
    ]

    async def receive():
        return messages.pop(0)

    asyncio.run(uploads.Limits(app)({"type": "websocket"}, receive, None))
    assert [one["type"] for one in heard] == ["websocket.receive", "websocket.disconnect"]
    long = b"x" * (uploads.MOST_MESSAGE_BYTES + 1)
    messages += [{"type": "websocket.receive", "bytes": long[1:]}]
    messages += [{"type": "websocket.receive", "bytes": long}]
    asyncio.run(uploads.Limits(app)({"type": "websocket"}, receive, None))
    assert [one.get("code") for one in heard] == [None, 1003, None, 1009]


def test_a_few_people_at_once_and_some_who_mean_harm(tmp_path):
    world = World("", StudyArea.open("monaco"), random.Random(7), 0.3)  # noqa: S311
    threads = threading.active_count()

    async def act(address: str) -> list[str]:
        people = [Person(world, number) for number in range(3)]
        found = []
        for person in people:
            await person.visitor.open()
        for what in ("tap", "walker", "close", "upload", "tap"):
            for person in people:
                await getattr(person, what)()
                person._look(what)
                person._right() if what == "tap" else None
        for person in people:
            found += person.visitor.problems
            assert person.visitor.seen, "nobody was shown what is their own"
            await person.visitor.close()
        for harm in (hostile.too_long, hostile.too_long_unsaid, hostile.too_many):
            found.append(await harm(address))
        return [text for text in found if text]

    with Server(tmp_path) as server:
        world.address = server.address
        problems = asyncio.run(act(server.address))
        assert server.stop() < 10
    assert problems + world.problems == []
    assert world.checked == 6
    assert "Traceback" not in server.said()
    assert threading.active_count() <= threads + 1
