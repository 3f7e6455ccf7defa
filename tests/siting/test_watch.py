"""Solvers end when they are told to, whether they hear it or not."""

from threading import Event

import highspy
import numpy as np
import pytest
from scipy import sparse

from shelterplan.siting import highs
from shelterplan.siting.highs import Model, solve
from shelterplan.siting.watch import Watch


@pytest.fixture
def model():
    """Two things of which one has room."""
    return Model(
        objective=np.array([2.0, 1.0]),
        rows=sparse.csr_array([[1.0, 1.0]]),
        row_lower=np.array([-np.inf]),
        row_upper=np.array([1.0]),
        column_lower=np.zeros(2),
        column_upper=np.ones(2),
        whole=np.ones(2, bool),
        sense="most",
    )


def test_the_time_that_is_left_is_what_the_solver_has(model, monkeypatch):
    told = {}

    class Noted(highspy.Highs):
        def setOptionValue(self, name, value):  # noqa: N802  (its name in HiGHS)
            told[name] = value
            return super().setOptionValue(name, value)

    monkeypatch.setattr(highs.highspy, "Highs", Noted)
    assert solve(model, Watch(30.0)).objective == 2.0
    assert 0 < told["time_limit"] <= 30.0


@pytest.mark.parametrize("watch", [Watch(0.1), Watch(60.0, stop=lambda: True)])
def test_nobody_waits_for_a_solver_that_does_not_hear(model, monkeypatch, watch):
    heard = Event()

    class Deaf(highspy.Highs):
        def run(self):
            heard.wait(10.0)

    monkeypatch.setattr(highs.highspy, "Highs", Deaf)
    found = solve(model, watch)
    left = highs.running()
    heard.set()
    assert left
    assert not found.optimal
    assert found.values is None


def test_once_somebody_has_had_enough_no_time_is_left():
    asked = []
    watch = Watch(60.0, stop=lambda: asked.append(1) or len(asked) == 2)
    assert watch.left_s > 0
    assert watch.stopped
    assert (watch.left_s, watch.over, watch.part(0.5).over) == (0.0, True, True)
    assert len(asked) == 2
