"""Many people at once: nobody sees what is another's, memory stays bounded, taps stay quick.

`python -m tests.soak sessions` starts the app as a process, lets people come and go in rounds, and
watches from both sides. They speak Streamlit's messages (`sessions_client`); a few real browsers
(`sessions_browser`) tap beside them, and some others (`sessions_hostile`) mean harm.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import secrets
import tempfile
import time
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import numpy as np
import shapely

from shelterplan.app import answer as told
from shelterplan.app.find_page import COUNT, LOOKED_AT
from shelterplan.app.settings import Settings
from shelterplan.app.words import Words
from shelterplan.finder import find_shelters
from shelterplan.study_area import StudyArea
from tests.soak import sessions_browser, sessions_hostile
from tests.soak.sessions_client import SessionError, Visitor
from tests.soak.sessions_server import Server, State

if TYPE_CHECKING:
    from collections.abc import Sequence

QUICK_S = 1.5
"""Within so long 95 of 100 taps have their answer [s]."""
COMING_S = 0.4
"""Between two people who come [s]."""
CHECKED_SHARE = 0.25
"""Of so many taps the answer is worked out here, too."""
KEPT_S = 5
"""How long the server keeps a session whose tab is closed; two minutes as a rule [s]."""
FORGETFUL = (
    "from shelterplan.app import launch; usual = launch.config(); "
    f"launch.config = lambda: usual | {{{{'server.disconnectedSessionTTL': {KEPT_S}}}}}; "
    "launch.run(port={port}, headless=True)"
)
"""The app, but for how long it keeps a session whose tab is closed."""
GROWTH, GROWTH_MB = 1.10, 40.0
"""Memory after the last round may be so much above that after the first but one."""
WORDS = Words("en")
WHAT = {
    "tap": 62,
    "walker": 8,
    "hazard": 6,
    "look": 10,
    "close": 5,
    "upload": 5,
    "suggest": 2,
    "report": 2,
}
"""What people do, and how often."""
WALKERS = ("adult", "elderly", "pushchair", "wheelchair")
PAGES = ("gaps", "equity", "sites", "data", "proposals")


@dataclass
class World:
    """What all share: the server, the study area, what was measured."""

    address: str
    area: StudyArea
    chance: random.Random
    think_s: float
    owners: dict[bytes, Visitor] = field(default_factory=dict)
    times: dict[str, list[float]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    checked: int = 0
    marks_seen: int = 0

    def note(self, what: str, seconds: float) -> None:
        """Take note of how long something took."""
        self.times.setdefault(what, []).append(seconds)


class Person:
    """Somebody with settings, a place and proposals of their own."""

    def __init__(self, world: World, number: int) -> None:
        self.world, self.number = world, number
        self.visitor = Visitor(world.address, owners=world.owners)
        self.chosen: dict[str, Any] = {}
        self.proposals = 0
        self.place = (0.0, 0.0)

    async def live(self, until: float) -> None:
        """Come, do this and that with time to think between, and go."""
        try:
            await asyncio.sleep(self.number * COMING_S)
            self.world.note("open", await self.visitor.open())
            while time.monotonic() < until:
                await asyncio.sleep(self._thinks_s())
                what = self.world.chance.choices(list(WHAT), list(WHAT.values()))[0]
                self.world.note(what, await getattr(self, what)())
                self._look(what)
        except (SessionError, OSError, TimeoutError) as error:
            self.world.problems.append(f"{self.number}: {type(error).__name__}: {error}"[:300])
        finally:
            await self.visitor.close()
            self.world.marks_seen += len(self.visitor.seen)
            self.world.problems += [f"{self.number}: {text}" for text in self.visitor.problems]

    def _thinks_s(self) -> float:
        return 2 + self.world.chance.expovariate(1 / max(0.01, self.world.think_s - 2))

    def _look(self, what: str) -> None:
        """Compare what the page says of itself with what was chosen here."""
        wanted = Settings(area="monaco", **self.chosen).address()
        found = dict(parse_qsl(self.visitor.query))
        ours = {key: value for key, value in found.items() if key not in {"community", "district"}}
        if ours != wanted:
            self.world.problems.append(f"{self.number} after {what}: {ours} and not {wanted}")
        if self.visitor.foreign:
            marks = {mark.decode() for mark in self.visitor.foreign}
            self.world.problems.append(f"{self.number} after {what}: saw what is others': {marks}")
            self.visitor.foreign.clear()

    async def _on(self, page: str) -> None:
        if self.visitor.page != page:
            await self.visitor.go(page)

    async def tap(self) -> float:
        """Tap the map of the first page."""
        await self._on("")
        lon, lat = self._somewhere()
        took = await self.visitor.tap(lon, lat)
        self.place = (lon, lat)
        if self.world.chance.random() < CHECKED_SHARE:
            await asyncio.to_thread(self._right)
        return took

    def _somewhere(self) -> tuple[float, float]:
        """Return a place in the study area, with digits like no other's."""
        shapes = self.world.area.communities.geometry
        west, south, east, north = shapes.total_bounds
        while True:
            lon = round(self.world.chance.uniform(west, east), 6)
            lat = round(self.world.chance.uniform(south, north), 6)
            if shapes.contains(shapely.Point(lon, lat)).any():
                return lon, lat

    def _right(self) -> None:
        """Work out here what the page has to say, for these settings alone."""
        chosen = Settings(area="monaco", **self.chosen)
        answer = find_shelters(
            self.world.area,
            *self.place,
            count=LOOKED_AT,
            scenario=chosen.scenario(),
            standard=chosen.access_standard(),
        )
        answer = type(answer)(
            **{
                name: getattr(answer, name)
                for name in answer.__dataclass_fields__
                if name != "options"
            },
            options=answer.options[: max(COUNT, answer.advised + 1)],
        )
        line, _ = told.headline(WORDS, answer, chosen.scenario())
        self.world.checked += 1
        if escape(line) not in self.visitor.text:
            self.world.problems.append(
                f"{self.number}: the page does not say {line!r} for {self.chosen}"
            )

    async def walker(self) -> float:
        """Choose who walks."""
        await self._on("")
        name = self.world.chance.choice(WALKERS)
        self.chosen["walker"] = name
        return await self.visitor.set("pick_walker", string_value=WORDS.of("walker", name))

    async def hazard(self) -> float:
        """Choose a hazard, or none."""
        await self._on("")
        name = self.world.chance.choice(["", "landslide", "storm_surge"])
        self.chosen["hazard"] = name
        return await self.visitor.set(
            "pick_hazard", string_value=WORDS.of("hazard", name or "none")
        )

    async def look(self) -> float:
        """Open another page."""
        return await self.visitor.go(self.world.chance.choice(PAGES))

    async def close(self) -> float:
        """Close a shelter of one's own choice, or open it again."""
        await self._on("gaps")
        if not self.visitor.has("close_shelter"):
            await self.visitor.set("tap_mode", string_array_value=[WORDS.of("tap", "shelter")])
        shelters = self.world.area.shelters
        row = (self.number * 5 + len(self.chosen.get("closed_shelters", ()))) % len(shelters)
        shelter = str(shelters.index[row])
        closed = set(self.chosen.get("closed_shelters", ())) ^ {shelter}
        self.chosen["closed_shelters"] = tuple(sorted(closed))
        name = WORDS.translated(str(shelters["name"].iloc[row]))
        return await self.visitor.set("close_shelter", string_value=name)

    async def upload(self) -> float:
        """Upload a proposal with names like no other's."""
        await self._on("proposals")
        if self.proposals >= 4:
            return await self.look()
        mark = f"cnry{secrets.token_hex(6)}"
        self.world.owners[mark.encode()] = self.visitor
        started = time.perf_counter()
        status = await self.visitor.upload(f"{mark}.geojson", self._proposal(mark))
        self.proposals += 1
        if status != 204 or mark.encode() not in self.visitor.seen:
            self.world.problems.append(f"{self.number}: an upload was not shown ({status})")
        return time.perf_counter() - started

    def _proposal(self, mark: str) -> bytes:
        lon, lat = self._somewhere()
        self.world.owners[f"{lat},{lon}".encode()] = self.visitor
        self.world.owners[f"{lon},{lat}".encode()] = self.visitor
        site = {
            "type": "Feature",
            "properties": {"name": mark, "capacity": 100 + self.number},
            "geometry": {"type": "Point", "coordinates": [lon, lat]},
        }
        return json.dumps({"type": "FeatureCollection", "features": [site]}).encode()

    async def suggest(self) -> float:
        """Have new sites looked for, and do not wait for them."""
        await self._on("sites")
        return await self.visitor.set("sites_find", trigger_value=True)

    async def report(self) -> float:
        """Have a report made."""
        await self._on("gaps")
        started = time.perf_counter()
        await self.visitor.download(self.world.chance.choice(["report_html", "report_xlsx"]))
        return time.perf_counter() - started


async def warmed(world: World) -> None:
    """Open every page once, so that what is made once is made."""
    first = Person(world, 0)
    await first.visitor.open()
    for page in (*PAGES, ""):
        await first.visitor.go(page)
    await first.tap()
    await first.visitor.close()


async def one_round(world: World, people: int, seconds: float, *, harm: bool) -> None:
    """Let people come, live and go."""
    until = time.monotonic() + seconds
    living = [Person(world, number).live(until) for number in range(people)]
    if harm:
        living.append(sessions_hostile.harm(world.address, until, world.problems, world.note))
    await asyncio.gather(*living)


def measure(
    server: Server, world: World, *, people: int, rounds: int, seconds: float, browsers: int
) -> list[State]:
    """Run the rounds; return what the server held before them and after each."""
    states = [server.state()]
    for turn in range(rounds):
        with sessions_browser.tapping(world.address, browsers, seconds, world) as join:
            asyncio.run(one_round(world, people, seconds, harm=True))
            join()
        time.sleep(KEPT_S + 1)
        asyncio.run(one_round(world, 1, 3, harm=False))  # the stored sessions are looked through
        time.sleep(2)
        states.append(server.state())
        print(f"round {turn + 1}: {states[-1]}", flush=True)  # noqa: T201
    return states


def judged(states: Sequence[State], world: World, files: tuple[int, int]) -> list[str]:
    """Return what is wrong."""
    found = list(world.problems)
    first, last = states[min(2, len(states) - 1)], states[-1]  # caches fill in the first rounds
    if last.rss_mb > first.rss_mb * GROWTH + GROWTH_MB:
        found.append(f"memory grew from {first.rss_mb:.0f} to {last.rss_mb:.0f} MB")
    if last.handles > first.handles + 8:
        found.append(f"handles grew from {first.handles} to {last.handles}")
    if last.threads > first.threads + 8:
        found.append(f"threads grew from {first.threads} to {last.threads}")
    if files[1] > files[0]:
        found.append(f"temporary files were left: {files[1] - files[0]}")
    slow = float(np.percentile(world.times.get("tap", [0.0]), 95))
    if slow > QUICK_S:
        found.append(f"95 of 100 taps take up to {slow:.2f} s, more than {QUICK_S} s")
    return found


def ticks() -> tuple[int, int]:
    """Return the processors' time that went to other machines on this computer, and all of it."""
    first = Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()[1:]
    spent = [int(one) for one in first]
    return spent[7], sum(spent[:8])


def table(world: World) -> str:
    """Return how long things took."""
    lines = [f"{'what':<22}{'times':>7}{'p50 s':>8}{'p95 s':>8}{'longest':>9}"]
    for what, times in sorted(world.times.items()):
        half, most = np.percentile(times, [50, 95])
        lines.append(f"{what:<22}{len(times):>7}{half:>8.2f}{most:>8.2f}{max(times):>9.2f}")
    return "\n".join(lines)


def raised(log: str) -> list[str]:
    """Return the tracebacks of a log, but for those that bytes which are no message cause."""
    blocks = log.split("Traceback (most recent call last)")[1:]
    return [block for block in blocks if "google.protobuf.message.DecodeError" not in block]


def main(argv: Sequence[str]) -> int:
    """Run it; return 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak sessions", description=__doc__)
    parser.add_argument("--sessions", type=int, default=50, help="people at once")
    parser.add_argument("--minutes", type=float, default=6.0, help="all rounds together [min]")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--think", type=float, default=15.0, help="mean time to think [s]")
    parser.add_argument("--browsers", type=int, default=1, help="real browsers beside them")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(argv)
    world = World("", StudyArea.open("monaco"), random.Random(chosen.seed), chosen.think)  # noqa: S311
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        with Server(Path(folder), code=FORGETFUL) as server:
            world.address = server.address
            server.wait_for("/resident/monaco")
            asyncio.run(warmed(world))
            before = len(server.files())
            load, earlier = os.getloadavg()[0], ticks()
            states = measure(
                server,
                world,
                people=chosen.sessions,
                rounds=chosen.rounds,
                seconds=chosen.minutes * 60 / chosen.rounds,
                browsers=chosen.browsers,
            )
            stolen, passed = (now - then for now, then in zip(ticks(), earlier, strict=True))
            found = judged(states, world, (before, len(server.files())))
            found += [f"the server's log: {one[:2000]}" for one in raised(server.said())]
            took = server.stop()
        if took > 10:
            found.append(f"the server needed {took:.0f} s to end")
    acts = sum(len(times) for times in world.times.values())
    spent = states[-1].cpu_s - states[0].cpu_s
    print(table(world))  # noqa: T201
    print(  # noqa: T201
        f"{chosen.sessions} sessions at once, {chosen.rounds} rounds, {acts} acts, "
        f"{world.checked} answers worked out again, {world.marks_seen} marks shown to owners; "
        f"{spent / max(1, acts):.2f} CPU s an act; the machine's load before: {load:.1f}, "
        f"{stolen / passed:.0%} of its time went to others; memory: "
        + ", ".join(f"{state.rss_mb:.0f}" for state in states)
        + f" MB; handles {[s.handles for s in states]}, threads {[s.threads for s in states]}; "
        f"the server ended in {took:.1f} s"
    )
    for text in found[:40]:
        print(f"FOUND: {text}")  # noqa: T201
    return 1 if found else 0
