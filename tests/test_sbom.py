"""The list of what the program is made of: complete, and it hides no licence."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def sbom():
    spec = importlib.util.spec_from_file_location("sbom", ROOT / ".ci" / "sbom.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_needed_is_of_run_time_alone(sbom):
    needed = sbom.needed()
    assert {"numpy", "streamlit", "folium", "weasyprint", "websockets"} <= needed
    assert not needed & {"shelterplan", "pytest", "playwright", "hypothesis", "mypy", "atheris"}


def test_all_of_it_is_in_the_lock(sbom):
    lock = sbom.locked(ROOT.joinpath("requirements.lock").read_text("utf-8"))
    assert sbom.needed() <= set(lock)
    two = sbom.locked("a-b==1.0 ; x \\\n    --hash=sha256:0\na_b==2.0 \\\n")
    assert two == {"a-b": {"1.0", "2.0"}}


def test_files_of_others_in_the_package_are_listed_with_their_licence(sbom):
    leaflet = next(one for one in sbom.vendored() if one["Name"] == "leaflet")
    assert leaflet["Version"].startswith("1.9")
    assert leaflet["License"] == "BSD-2-Clause"
    assert "Copyright" in leaflet["LicenseText"]


@pytest.mark.parametrize(
    ("licence", "said"),
    [
        ("MIT", ""),
        ("BSD-3-Clause OR Apache-2.0", ""),
        ("UNKNOWN", "unknown"),
        ("", "unknown"),
        ("GPL-3.0-only", "copyleft"),
        ("AGPL-3.0-or-later", "copyleft"),
        ("LGPL-2.1-or-later", "keep its terms"),
        ("MPL-2.0", "keep its terms"),
        ("GPL-2.0-or-later OR MPL-2.0", "keep its terms"),
    ],
)
def test_a_licence_that_needs_a_look_is_pointed_out(sbom, licence, said):
    mark = sbom.judged("x", licence)
    assert said in mark
    assert bool(mark) == bool(said)
