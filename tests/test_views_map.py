"""Maps: nothing from elsewhere, and names that are only names."""

from __future__ import annotations

import re
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from streamlit_folium import _get_feature_group_string, _get_header, _get_map_string

import shelterplan.views
from shelterplan.views import look
from shelterplan.views import map as views
from shelterplan.views.escape import escape

from .test_views_escape import PAYLOADS

BOX = (7.40, 43.72, 7.44, 43.76)
ASSETS = views.Assets(vendor="../vendor", streets="../streets/a.bin")


def a_map(text: str) -> views.Map:
    how = views.Look(attribution=text, zoom_in=text, zoom_out=text, label=text, streets_failed=text)
    made = views.base_map(bounds=BOX, ground=shapely.box(*BOX), assets=ASSETS, look=how)
    views.add_shelters(made, [((7.42, 43.73), text)])
    shapes = gpd.GeoSeries([shapely.box(*BOX)], index=[text], crs="EPSG:4326")
    views.add_communities(made, shapes)
    views.add_zones(made, [(4, shapely.box(*BOX))], source=text)
    return made


def a_painted_group(text: str) -> views.FeatureGroup:
    group = views.chosen_community(shapely.box(*BOX), move=False)
    views.paint_communities(group, ["#00224e"], [text])
    sign = views.Sign(at=(7.42, 43.73), tip=text, shut=True)
    views.mark_shut(group, signs=[sign], streets=[[(7.42, 43.73), (7.43, 43.74)]])
    return group


def a_group(text: str) -> views.FeatureGroup:
    return views.answer_group(
        you=(7.42, 43.73),
        you_tip=text,
        route=[(7.42, 43.73), (7.43, 43.74)],
        shelters=[views.Marked(at=(7.43, 43.74), number=1, name=text, chosen=True)],
    )


def page(made: views.Map) -> str:
    """Everything that reaches the browser, by either way that folium renders."""
    whole = made.get_root().render()
    return whole + _get_header(made) + _get_map_string(made)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_name_reaches_the_browser_only_escaped(payload):
    made = a_map(payload)
    text = page(made)
    for group in (a_group(payload), a_painted_group(payload)):
        text += _get_feature_group_string(group, made)
    assert payload not in text
    for syntax in (
        "{{",
        "{%",
        "{#",
        "window.__X=",
        "onerror=",
        "<img",
        "`",
        "${",
        "\u2028",
        "\u202e",
    ):
        assert syntax not in text
    assert escape(payload) in text


def test_one_odd_name_never_costs_the_map():
    plain, odd = page(a_map("Stade")), page(a_map("{# x"))
    assert odd.count("L.circleMarker") == plain.count("L.circleMarker") > 0
    assert odd.count("L.addStreets") == plain.count("L.addStreets") > 0


def test_a_map_asks_no_other_host_for_anything():
    made = a_map("x")
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//[^"']*""", page(made))
    assert "tileLayer" not in page(made)
    links = [link for _, link in made.default_js + made.default_css]
    assert links
    assert all(link.startswith("../vendor/") for link in links)


def test_vendored_files_exist_with_licence_and_version():
    vendor = Path(shelterplan.views.__file__).parent / "vendor"
    for _, link in a_map("x").default_js + a_map("x").default_css:
        assert (vendor / link.removeprefix("../vendor/")).is_file()
    assert "BSD 2-Clause" in (vendor / "leaflet" / "LICENSE").read_text("utf-8")
    assert "1.9.4" in (vendor / "leaflet" / "VERSION").read_text("utf-8")
    assert "http" not in (vendor / "street_layer.js").read_text("utf-8")


def test_the_base_map_is_the_same_each_time():
    assert _get_map_string(a_map("x")) == _get_map_string(a_map("x"))


def test_a_place_without_a_way_is_still_shown():
    made = a_map("x")
    group = views.answer_group(you=(7.42, 43.73), you_tip="here")
    text = _get_feature_group_string(group, made)
    assert '"route":[]' in text
    assert '"you":[43.73,7.42]' in text


@pytest.mark.parametrize("move", [True, False])
def test_the_chosen_community_is_outlined(move):
    made = a_map("x")
    text = _get_feature_group_string(views.chosen_community(shapely.box(*BOX), move=move), made)
    assert f'"move":{str(move).lower()}' in text


def test_nothing_chosen_draws_nothing():
    text = _get_feature_group_string(views.chosen_community(None, move=False), a_map("x"))
    assert "L.geoJSON" not in text


def test_what_is_closed_is_told_by_form_too():
    text = _get_feature_group_string(a_painted_group("x"), a_map("x"))
    assert '"signs":[[43.73,7.42,true,"x"]]' in text
    assert '"streets":[[[43.73,7.42],[43.74,7.43]]]' in text
    assert "dashArray" in text
    assert "map-shut" in text


def test_communities_are_filled_in_their_order():
    group = views.chosen_community(None, move=False)
    views.paint_communities(group, ["#00224e", "none"], ["a", "b"], opacity=0.3)
    text = _get_feature_group_string(group, a_map("x"))
    assert '"fills":[["#00224e","a"],["none","b"]],"opacity":0.3' in text
    with pytest.raises(ValueError, match="argument 2"):
        views.paint_communities(group, ["none"], [])


def test_worse_zones_are_hatched_closer():
    assert list(look.ZONE_GAPS) == sorted(look.ZONE_GAPS, reverse=True)
    assert len({look.hatch(level, dark=dark) for level in range(1, 5) for dark in (0, 1)}) == 8
    assert "L.geoJSON(shape, {pane" in page(a_map("x"))
    without = views.base_map(bounds=BOX, ground=None, assets=ASSETS, look=views.Look())
    views.add_zones(without, [], source="x")
    assert "L.geoJSON(shape, {pane" not in page(without)
