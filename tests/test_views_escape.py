"""No text can do anything on a map but be read."""

from __future__ import annotations

import ast
import html
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import shelterplan
from shelterplan.views.escape import escape
from shelterplan.views.script_json import Written, script_json

ALLOWED = set(" -,.()&#;")
PAYLOADS = [
    "{{7*7}}",
    "{{ ''.__class__.__mro__ }}",
    "{% for x in [1] %}{% endfor %}",
    "{# x",
    "`${window.__X=1}`",
    "</script><script>window.__X=1</script>",
    "<img src=x onerror=window.__X=1>",
    "'\"\\",
    "\u2028\u2029\u202e\x00",
]


@given(st.text())
def test_escaped_text_holds_only_letters_digits_and_harmless_signs(text):
    assert all(sign.isalnum() or sign in ALLOWED for sign in escape(text))


@given(st.text())
def test_escaped_text_reads_as_what_can_be_printed_of_it(text):
    assert html.unescape(escape(text)) == "".join(sign for sign in text if sign.isprintable())


@pytest.mark.parametrize("name", ["Lycée Albert Iᵉʳ", "深圳湾体育中心", "Ñuñoa", "Łódź (2.)"])
def test_names_of_every_script_survive(name):
    assert html.unescape(escape(name)) == name


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text()
        | st.sampled_from(PAYLOADS)
        | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_script_json_is_json_and_starts_no_template_and_ends_no_script(value):
    written = script_json(value)
    assert json.loads(written) == value
    for start in ("{{", "{%", "{#", "</", "<!", "`", "${"):
        assert start not in written


def test_what_is_written_stands_as_it_is():
    inner = ["<b>", 1.5]
    assert script_json({"a": Written(script_json(inner))}) == script_json({"a": inner})
    assert script_json("[1]") != script_json(Written("[1]"))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_script_json_refuses_what_json_has_not(value):
    with pytest.raises(ValueError, match="cannot be written"):
        script_json([value])


def test_script_json_refuses_objects():
    with pytest.raises(TypeError, match="object cannot be written"):
        script_json(object())


def test_only_the_map_views_import_folium():
    package = Path(shelterplan.__file__).parent
    found = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            if any(name.split(".")[0] in {"folium", "branca"} for name in names):
                found.add(path.relative_to(package).as_posix())
    assert found == {"views/map.py"}
