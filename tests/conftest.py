"""Settings that all tests share."""

import gc
import sys
from functools import cache

import pytest
from hypothesis import HealthCheck, settings

gc.disable()  # until all tests are collected: what is imported stays

settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def own_main(monkeypatch):
    """Take back the main module that a run of the app leaves behind: processes start from it."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(autouse=True, scope="session")
def packages_are_looked_through_once():
    """Let Streamlit look for components in the installed packages once, not at each run of a page.

    What is installed stays the same, and looking took nine tenths of the time of a run.
    """
    with pytest.MonkeyPatch.context() as patch:
        if "streamlit" in sys.modules:
            from streamlit.components.v2 import manifest_scanner

            once = cache(manifest_scanner.scan_component_manifests)
            patch.setattr(manifest_scanner, "scan_component_manifests", once)
        yield


def pytest_collection_finish():
    """Look for garbage from now on, and never in what was imported."""
    gc.collect()
    gc.freeze()
    gc.enable()
