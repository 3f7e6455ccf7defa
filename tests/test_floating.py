"""Floating catchments: published values, another library's values, and laws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array, csr_array

from shelterplan.errors import TableError
from shelterplan.floating import balanced_floating_catchment, two_step_floating_catchment

BOTH = (two_step_floating_catchment, balanced_floating_catchment)

# ipeaGIT/accessibility 1.4.0.9000 (MIT), tests/testthat: five hexagons, minutes, 45 min
POPULATION = [852, 394, 1969, 2189, 0]
SUPPLY = [82, 308, 100, 109, 0]
MINUTES = [
    [5.8, 47, 48, 47, 64],
    [45, 5.8, 13, 41, 70],
    [44, 13, 5.8, 42, 67],
    [43, 43, 49, 5.8, 58],
    [60, 70, 68, 64, 5.8],
]

# PySAL access 1.1.10.post3, fca.two_stage_fca with max_cost=30, on numbers drawn by
# numpy.random.default_rng(2026): integers(0, 61, (6, 4)), integers(50, 500, 6), integers(1, 40, 4)
PEER_REACH = [
    [51, 10, 1, 39],
    [22, 28, 4, 22],
    [39, 21, 50, 48],
    [42, 55, 43, 10],
    [52, 39, 6, 18],
    [10, 58, 44, 56],
]
PEER_POPULATION = [177, 336, 321, 388, 103, 281]
PEER_SUPPLY = [26, 33, 26, 18]
PEER = [
    (  # weight_fn=None
        None,
        [
            0.0817761375315332,
            0.14568093881872266,
            0.039568345323741004,
            0.02176541717049577,
            0.06397320937828797,
            0.04213938411669368,
        ],
    ),
    (  # weights.gaussian(30 / sqrt(2 ln 100)): 0.01 at 30
        "gaussian",
        [
            0.1809550480949723,
            0.0625273555249525,
            0.02369970435843711,
            0.03847494486344598,
            0.050079318934226985,
            0.07924452482030299,
        ],
    ),
    (  # weights.step_fn({10: 1, 20: 0.68, 30: 0.22})
        [(10, 1.0), (20, 0.68), (30, 0.22)],
        [
            0.14483888009732382,
            0.0883471081783524,
            0.022578839335696956,
            0.03383713061132416,
            0.06521704102349264,
            0.07325594500169051,
        ],
    ),
]


def test_published_two_step_values():
    found = two_step_floating_catchment(MINUTES, POPULATION, SUPPLY, cutoff=45)
    assert found.round(4).tolist() == [0.0152, 0.1491, 0.1491, 0.1068, 0.0]


def test_published_balanced_values():
    found = balanced_floating_catchment(MINUTES, POPULATION, SUPPLY, cutoff=45)
    assert found.round(4).tolist() == [0.0094, 0.1993, 0.1993, 0.1147, 0.0]


@pytest.mark.parametrize(("decay", "values"), PEER)
def test_equal_to_pysal_access(decay, values):
    found = two_step_floating_catchment(
        PEER_REACH, PEER_POPULATION, PEER_SUPPLY, cutoff=30, decay=decay
    )
    assert found == pytest.approx(values, rel=1e-12)


@st.composite
def worlds(draw):
    points, facilities = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    row = st.lists(st.integers(0, 60), min_size=facilities, max_size=facilities)
    reach = draw(st.lists(row, min_size=points, max_size=points))
    people = draw(st.lists(st.integers(0, 900), min_size=points, max_size=points))
    supply = draw(st.lists(st.integers(0, 90), min_size=facilities, max_size=facilities))
    return np.array(reach, float), np.array(people, float), np.array(supply, float)


@given(worlds(), st.sampled_from([decay for decay, _ in PEER]))
def test_all_supply_with_people_in_reach_is_shared_out(world, decay):
    reach, people, supply = world
    found = two_step_floating_catchment(reach, people, supply, cutoff=30, decay=decay)
    used = ((reach <= 30) & (people[:, None] > 0)).any(axis=0)
    assert people @ found == pytest.approx(supply[used].sum())


@pytest.mark.parametrize("catchment", BOTH)
@given(world=worlds())
def test_the_form_of_the_matrix_does_not_matter(catchment, world):
    reach, people, supply = world
    i, j = np.nonzero(np.isfinite(reach))
    sparse = csr_array(coo_array((reach[i, j], (i, j)), shape=reach.shape))
    limited = np.where(reach <= 30, reach, np.inf)
    found = catchment(reach, people, supply, cutoff=30)
    assert (found == catchment(sparse, people, supply, cutoff=30)).all()
    assert (found == catchment(limited, people, supply)).all()


@pytest.mark.parametrize("catchment", BOTH)
@given(world=worlds())
def test_twice_the_supply_is_twice_the_access(catchment, world):
    reach, people, supply = world
    once = catchment(reach, people, supply, cutoff=30)
    assert catchment(reach, people, 2 * supply, cutoff=30) == pytest.approx(2 * once)


def test_the_cutoff_and_the_limits_of_steps_are_inclusive():
    steps = [(10, 1.0), (20, 0.5)]
    for distance, weight in ((10, 1.0), (10.001, 0.5), (20, 0.5), (20.001, 0.0)):
        # the second point, at 0, has the weight 1, so that the weights do not cancel
        found = two_step_floating_catchment([[distance], [0]], [1, 1], [1], decay=steps)
        assert found.tolist() == pytest.approx([weight / (1 + weight), 1 / (1 + weight)])
    assert two_step_floating_catchment([[45]], [1], [1], cutoff=45).tolist() == [1.0]
    assert two_step_floating_catchment([[45.1]], [1], [1], cutoff=45).tolist() == [0.0]


def test_a_decay_of_ones_own():
    found = two_step_floating_catchment([[1], [3]], [1, 1], [8], decay=lambda d: 1 / d)
    assert found == pytest.approx([6, 2])


def test_a_facility_without_people_in_reach_adds_nothing():
    assert two_step_floating_catchment([[5, 5]], [0], [7, 9]).tolist() == [0.0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"supply": [math.nan]}, "supply: 1 problem. row 0: the number is unknown. Decide"),
        ({"supply": [-1]}, "supply: 1 problem. row 0: -1.0 is not"),
        ({"supply": [1, 1]}, "there must be 1 numbers"),
        ({"population": [math.inf]}, "population: 1 problem. row 0"),
        ({"cutoff": math.nan}, "cutoff: 1 problem"),
        ({"reach": [[-1]]}, "a distance is negative"),
        ({"reach": [1]}, "rows and columns"),
        ({"decay": "gaussian"}, "with a finite cutoff"),
        ({"decay": "gauss", "cutoff": 9}, "'gauss' is not a decay"),
        ({"decay": [(20, 1), (10, 1)]}, "must rise"),
        ({"decay": lambda d: -d}, "one finite weight"),
    ],
)
def test_refused(options, words):
    given = {"reach": [[1]], "population": [1], "supply": [1]} | options
    with pytest.raises(TableError, match=words):
        two_step_floating_catchment(**given)
