"""The resident map as a page: its policy, words and files; what it does is in tests/browser."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import zlib
from functools import partial
from html import unescape
from string import Formatter
from types import SimpleNamespace
from urllib.parse import unquote

import geopandas as gpd
import pytest
from click.testing import CliRunner
from starlette.applications import Starlette

from shelterplan.app import resident_maps, store
from shelterplan.app.asgi import SafeHeaders
from shelterplan.app.words import LANGUAGES, catalogue
from shelterplan.cli.resident_map import resident_map as command
from shelterplan.errors import ShelterplanError
from shelterplan.scenario import WALKERS, Scenario
from shelterplan.standards import AccessStandard
from shelterplan.study_area import Source
from shelterplan.views.resident import installable, page
from shelterplan.views.resident.choices import choices
from shelterplan.views.resident.pack import _KINDS
from tests.village import box, shelters, village

NASTY = ["</script><script>window.__X=1</script>", "{{7*7}}", "${x}`", "$blob", "<!--", "'\"&<b>"]
NO_WORDS = "resident.source_date"
OWN_WORDS = ("resident", "heading", "certainty", "when", "results")


def zones(*hazards):
    """Return one zone east of the village for each hazard, each wider than the one before."""
    return gpd.GeoDataFrame(
        {"hazard": hazards, "level": 2, "return_period": None, "source": "ours"},
        index=[f"z{i}" for i in range(len(hazards))],
        geometry=[box(700, -60, 800 + 10 * i, 60) for i in range(len(hazards))],
        crs="EPSG:4326",
    )


@pytest.fixture(scope="module")
def flooded():
    return village(hazards=zones("flood"))


@pytest.fixture(scope="module")
def made(flooded):
    return page.resident_map(flooded).decode()


def part(html, name):
    """Return the text of one of the page's data blocks."""
    return re.search(rf'<script type="[^"]+" id="{name}">(.*?)</script>', html, re.DOTALL).group(1)


def policy_in(html):
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html).group(1)
    return dict(rule.split(" ", 1) for rule in unescape(found).split("; "))


def hashes(texts):
    digests = (hashlib.sha256(text.encode()).digest() for text in texts)
    return {f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests}


def test_the_policy_names_exactly_what_is_in_the_file(made):
    rules = policy_in(made)
    assert set(rules["script-src"].split()) == hashes(
        re.findall(r"<script>(.*?)</script>", made, re.DOTALL)
    )
    assert set(rules["style-src"].split()) == hashes(
        re.findall(r"<style>(.*?)</style>", made, re.DOTALL)
    )
    assert rules["default-src"] == "'none'"
    assert rules["base-uri"] == rules["form-action"] == "'none'"
    assert not any(word in str(rules) for word in ("unsafe", "http", "*", "connect"))
    assert "worker-src" not in rules


def test_the_policy_comes_before_everything_that_it_rules(made):
    policy = made.index("Content-Security-Policy")
    assert policy < made.index("<style") < made.index("<script")
    assert policy < made.index("<link")


def test_nothing_in_the_file_has_an_address_outside(made):
    blocks = re.sub(
        r"<script.*?</script>|<pre.*?</pre>|<style.*?</style>", "", made, flags=re.DOTALL
    )
    assert re.findall(r'(?:src|href|action)="(?!data:|#)[^"]*"', blocks) == []
    assert "<form" in blocks
    assert re.findall(r"style=\"| on[a-z]+=\"", blocks) == []
    assert "url(" not in page.style()


@pytest.mark.parametrize("name", ["told.js", "map.js", "page.js"])
def test_the_scripts_store_and_send_nothing(name):
    text = page._file(name)
    for word in (
        *("localStorage", "sessionStorage", "indexedDB", "document.cookie", "fetch(", "eval("),
        *("XMLHttpRequest", "sendBeacon", "WebSocket", "innerHTML", "outerHTML", "insertAdjacent"),
        *("document.write", "pushState", "replaceState", "location.hash =", "new Function"),
    ):
        assert word not in text


def test_all_is_in_one_file_and_the_same_each_time(made, flooded):
    assert page.resident_map(flooded).decode() == made
    facts = json.loads(part(made, "page-data"))
    assert [one["hazard"] for one in facts["scenarios"]] == [""] * 3 + ["flood"] * 3
    assert [one["walker"] for one in facts["scenarios"][:3]] == ["adult", "elderly", "wheelchair"]
    assert facts["standard"] == {"value": 500.0, "unit": "m", "certainty": "own choice"}
    assert list(facts["zones"]) == ["0"]
    assert base64.b64decode(part(made, "blob-data"))[:2] == b"\x1f\x8b"
    assert json.loads(part(made, "head-data"))["title"] == "Village"


def test_odd_names_are_data():
    rows = [(f"s{i}", name, None, point) for i, (name, point) in enumerate(zip(NASTY, _places()))]  # noqa: B905
    area = village(shelters=shelters(rows))
    html = page.resident_map(area, scenarios={"day": Scenario()}).decode()
    plain = page.resident_map(village(), scenarios={"day": Scenario()}).decode()
    assert html.count("<script") == plain.count("<script")
    assert "<script>window.__X=1" not in html
    assert "<b>" not in html
    assert policy_in(html) == policy_in(plain)


def _places():
    return [box(100 * i, 5, 100 * i + 20, 25) for i in range(len(NASTY))]


def test_an_odd_title_is_text():
    area = village()
    object.__setattr__(area, "title", NASTY[0])
    html = page.resident_map(area, scenarios={"day": Scenario()}).decode()
    assert "<title>The way to a shelter: &lt;/script&gt;" in html


def test_it_opens_in_the_language_that_was_asked_for():
    area, day = village(), {"day": Scenario()}
    chinese = page.resident_map(area, scenarios=day, language="zh").decode()
    assert '<html lang="zh-Hans">' in chinese
    assert "<title>避难路线：Village</title>" in chinese
    assert json.loads(part(chinese, "page-data"))["lang"] == "zh"
    both = json.loads(part(chinese, "page-data"))["words"]
    assert set(both) == set(LANGUAGES)
    browsers = page.resident_map(area, scenarios=day, language="").decode()
    assert json.loads(part(browsers, "page-data"))["lang"] == ""
    assert '<html lang="en">' in browsers


def test_both_languages_say_the_same_with_the_same_values():
    english, chinese = (page.words()[language] for language in LANGUAGES)
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        holes = [
            sorted(hole for _, hole, _, _ in Formatter().parse(one) if hole)
            for one in (text, chinese[key])
        ]
        assert holes[0] == holes[1], key
        assert text.strip()
        assert chinese[key].strip()
    own = [key for key in chinese if key.startswith(OWN_WORDS)]
    assert all(re.search(r"[一-鿿]", chinese[key]) for key in own if key != NO_WORDS)


def test_every_text_that_the_scripts_name_is_there_and_no_other():
    scripts = "".join(page._file(name) for name in ("told.js", "map.js", "page.js"))
    known = page.words()["en"]
    named = set(re.findall(r"say\('([a-z_]+\.[a-z_0-9]+)'", scripts))
    assert len(named) > 50
    assert named <= set(known)
    idle = [key for key in known if key.startswith("resident.") and f"'{key}'" not in scripts]
    assert set(idle) <= {"resident.title", *(f"resident.{name}" for name in page.UNABLE)}
    for family in re.findall(r"(?:of|count)\('([a-z_]+)'", scripts):
        assert any(key.startswith(f"{family}.") for key in known), family


def test_what_the_app_says_is_said_in_the_same_words():
    for key, texts in catalogue().items():
        if key.split(".")[0] in page.AS_IN_THE_APP:
            assert {language: page.words()[language][key] for language in LANGUAGES} == texts


def test_every_kind_of_a_name_found_has_words():
    kinds = {f"kind.{kind}" for kind in (*_KINDS, "place")}
    for language in LANGUAGES:
        assert kinds <= set(page.words()[language])
    facts = json.loads(part(page.resident_map(village()).decode(), "page-data"))
    assert kinds <= set(facts["words"]["zh"])


def test_a_time_stamp_is_shown_as_a_day():
    area = village()
    stamped = Source(table="streets", name="an extract", date="2019-04-17T18:21:00Z")
    object.__setattr__(area, "sources", (stamped,))
    facts = json.loads(
        part(page.resident_map(area, scenarios={"d": Scenario()}).decode(), "page-data")
    )
    assert facts["date"] == "2019-04-17"
    assert [one["date"] for one in facts["sources"]] == ["2019-04-17"]


def test_without_scripts_the_shelters_are_named_and_no_browser_is_called_old():
    rows = [("s", "<b>Tom & Co", None, box(0, 5, 20, 25))]
    html = page.resident_map(village(shelters=shelters(rows)), scenarios={"d": Scenario()}).decode()
    texts = re.findall(r"<noscript>(.*?)</noscript>", html, re.DOTALL)
    assert "#too-old" in texts[0]
    assert "JavaScript is off" in texts[1]
    assert "JavaScript 已关闭" in texts[1]
    assert "<li>&lt;b&gt;Tom &amp; Co</li>" in texts[1]
    assert "too old" not in texts[1]
    assert "Illustrative" not in texts[1]
    made_up = page.resident_map(village(shelters=shelters(rows), illustrative={"shelters"}))
    assert page.words()["zh"]["app.illustrative"] in made_up.decode().split("<noscript>")[2]


def test_a_standard_in_minutes_and_one_walker():
    area = village()
    html = page.resident_map(
        area,
        scenarios={"slow": Scenario(walker=WALKERS["wheelchair"], delay_s=60, time="night")},
        standard=AccessStandard(max_time_s=600),
    ).decode()
    facts = json.loads(part(html, "page-data"))
    assert facts["standard"]["unit"] == "s"
    [one] = facts["scenarios"]
    assert (one["wheelchair"], one["delay_s"], one["time"]) == (True, 60, "night")
    assert one["speed_m_s"] == pytest.approx(0.69 * 0.8, abs=0.001)


def test_too_many_hazards_are_cut_and_said(monkeypatch):
    monkeypatch.setattr("shelterplan.views.resident.choices.MOST_HAZARDS", 1)
    area = village(hazards=zones("earthquake", "flood"))
    found = choices(area)
    assert found.left_out == ("earthquake",)  # the one with the least ground
    assert list(found.scenarios)[3:] == ["flood-adult", "flood-elderly", "flood-wheelchair"]
    facts = json.loads(part(page.resident_map(area).decode(), "page-data"))
    assert facts["left_out"] == ["earthquake"]
    asked = choices(area, hazards=["earthquake"], walkers=["adult"])
    assert (list(asked.scenarios), asked.left_out) == (["none-adult", "earthquake-adult"], ())


def test_an_unknown_hazard_is_refused():
    with pytest.raises(ShelterplanError):
        page.resident_map(village(), scenarios=choices(village(), hazards=["dragons"]).scenarios)


# ---- to be installed from a host ----


def test_what_stands_beside_a_hosted_page(flooded):
    html = page.resident_map(flooded, installable="town.html")
    rules = policy_in(html.decode())
    assert rules["worker-src"] == rules["manifest-src"] == "'self'"
    files = installable.beside(html, "town.html", title="Town", language="en")
    assert set(files) == {"town.webmanifest", "town.sw.js"}
    assert '<link rel="manifest" href="town.webmanifest">' in html.decode()
    manifest = json.loads(files["town.webmanifest"])
    assert manifest["start_url"] == manifest["scope"] == "town.html"
    assert [icon["sizes"] for icon in manifest["icons"]] == ["192x192", "512x512"]
    worker = files["town.sw.js"].decode()
    assert hashlib.sha256(html).hexdigest()[:16] in worker
    assert b"http" not in files["town.sw.js"]
    assert json.loads(part(html.decode(), "page-data"))["installable"] == {
        "worker": "town.sw.js",
        "scope": "town.html",
    }


def test_the_icon_is_a_white_house_on_green():
    image = installable.icon_png(24)
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    start = image.index(b"IDAT") + 4
    rows = zlib.decompress(image[start : image.index(b"IEND") - 8])
    pixel = lambda x, y: tuple(rows[y * 73 + 1 + 3 * x : y * 73 + 4 + 3 * x])  # noqa: E731
    assert pixel(0, 0) == installable.GREEN
    assert pixel(12, 15) == (255, 255, 255)


# ---- the command ----


@pytest.fixture(scope="module")
def folder(flooded, tmp_path_factory):
    target = tmp_path_factory.mktemp("village")
    flooded.save(target)
    return target


def run(*words, code=0):
    done = CliRunner().invoke(command, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done


def test_the_command_writes_the_map(folder, tmp_path):
    out = tmp_path / "map.html"
    done = run(folder, "--out", out, "--walker", "adult", "--distance-m", 800)
    assert out.read_bytes().startswith(b"<!doctype html>")
    assert "2 scenarios" in done.output
    assert f"{out.stat().st_size / 1e6:.2f} MB" in done.output
    assert "longest walk 800 m" in done.output
    assert [one.name for one in tmp_path.iterdir()] == ["map.html"]


def test_the_command_for_programs_and_for_a_host(folder, tmp_path):
    out = tmp_path / "index.html"
    done = run(folder, "--out", out, "--hazard", "flood", "--installable", "--lang", "zh", "--json")
    told = json.loads(done.stdout)
    assert told["bytes"] == out.stat().st_size
    assert told["also"] == ["index.webmanifest", "index.sw.js"]
    assert all((tmp_path / name).is_file() for name in told["also"])
    assert {one["hazard"] for one in told["scenarios"]} == {None, "flood"}
    assert told["standard"] == {"longest": 500.0, "unit": "m"}
    assert json.loads((tmp_path / "index.webmanifest").read_text("utf-8"))["scope"] == "./"


def test_the_command_refuses_what_cannot_be(folder, tmp_path):
    assert ".html" in run(folder, "--out", tmp_path / "map.pdf", code=2).output
    odd = run(folder, "--out", tmp_path / "Karte von Köln.html", "--installable", code=2)
    assert "letters, digits" in odd.output
    gone = CliRunner().invoke(command, [str(folder), "--out", str(tmp_path / "no" / "map.html")])
    assert isinstance(gone.exception, OSError)


# ---- beside the app ----


@pytest.fixture
def server(monkeypatch, tmp_path, folder):
    monkeypatch.setattr(resident_maps, "kept_in", lambda: tmp_path)
    monkeypatch.setattr(store, "known_areas", lambda: {"village": folder})
    monkeypatch.setattr(resident_maps, "_making", {})
    return SimpleNamespace(get=partial(get, SafeHeaders(Starlette(routes=[resident_maps.ROUTE]))))


def get(app, address):
    """Return what a server answers."""
    path, _, query = address.partition("?")
    sent = []

    async def receive():
        await asyncio.Event().wait()  # the browser waits for the answer

    async def send(message):
        sent.append(message)

    asyncio.run(
        app(
            {
                "type": "http",
                "method": "GET",
                "path": unquote(path),
                "raw_path": path.encode(),
                "query_string": query.encode(),
                "headers": [(b"host", b"here:8501")],
            },
            receive,
            send,
        )
    )
    headers = {key.decode(): value.decode() for key, value in sent[0]["headers"]}
    body = b"".join(message.get("body", b"") for message in sent[1:]).decode()
    return SimpleNamespace(status_code=sent[0]["status"], headers=headers, text=body)


class Child:
    """Stands for the process that makes a map."""

    started: list[list[str]]

    def __init__(self, command, **_):
        self.code = None
        Child.started.append(command)

    def poll(self):
        return self.code

    def terminate(self):
        self.code = -15


@pytest.fixture
def child(monkeypatch):
    Child.started = []
    monkeypatch.setattr(resident_maps.subprocess, "Popen", Child)
    return Child


def test_a_map_is_made_once_and_then_handed_out(server, child):
    first = server.get("/resident/village?lang=zh")
    assert first.status_code == 202
    assert "refresh" in first.text
    assert "正在制作地图" in first.text
    assert server.get("/resident/village").status_code == 202
    [[*_, area, target]] = child.started
    old = resident_maps.path_of("village").with_name(f"{resident_maps._short('village')}-old.html")
    old.write_text("old")
    os.utime(old, (1, 1))
    resident_maps.write(area, target)
    found = server.get("/resident/village")
    assert found.status_code == 200
    policy = found.headers["content-security-policy"]
    assert policy == f"{page.policy()}; frame-ancestors 'none'"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert "attachment" not in found.headers.get("content-disposition", "")
    saved = server.get("/resident/village?save=yes")
    assert 'filename="shelters-village.html"' in saved.headers["content-disposition"]
    assert policy_in(found.text).keys() >= {"default-src", "script-src"}
    assert len(list(resident_maps.kept_in().iterdir())) == 1  # the old one went


def test_a_map_that_cannot_be_made_is_told(server, child):
    server.get("/resident/village")
    next(iter(resident_maps._making.values())).code = 1
    failed = server.get("/resident/village")
    assert failed.status_code == 500
    assert "could not be made" in failed.text
    assert "refresh" not in failed.text


@pytest.mark.parametrize("name", ["nothing", "..%2Fvillage", "%3Cb%3E"])
def test_an_unknown_area_is_no_page(server, child, name):
    found = server.get(f"/resident/{name}")
    assert found.status_code == 404
    assert "<b>" not in found.text
    assert child.started == []


def test_the_name_of_a_map_changes_with_the_area_and_the_program(server, folder, monkeypatch):
    before = resident_maps.path_of("village")
    monkeypatch.setattr(resident_maps, "_program", lambda: b"another")
    assert resident_maps.path_of("village") != before
    assert before.name.split("-")[0] == resident_maps.path_of("village").name.split("-")[0]


def test_the_page_leads_to_a_map_only_where_one_is_served(server, child):
    assert not resident_maps.served()
    resident_maps.begin()
    assert resident_maps.served()
    assert len(child.started) == 1
    resident_maps.stop()
    assert not resident_maps.served()
    assert next(iter(resident_maps._making.values())).code == -15


def test_the_making_process_needs_no_streamlit_page(folder, tmp_path):
    command = [sys.executable, "-c", resident_maps._CHILD, str(folder), str(tmp_path / "a-b.html")]
    subprocess.run(command, check=True, timeout=120)
    assert (tmp_path / "a-b.html").stat().st_size > 100_000
