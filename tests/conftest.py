"""Settings that all tests share."""

import sys

import pytest
from hypothesis import HealthCheck, settings

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
