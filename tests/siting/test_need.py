"""Need met where people compete for room: every set of sites tried by hand."""

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from shelterplan.siting.need import need_cover


@st.composite
def worlds(draw):
    points, sites = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    numbers = st.integers(0, 9)
    return {
        "cover": np.array(
            draw(st.lists(st.lists(st.booleans(), min_size=sites, max_size=sites),
                          min_size=points, max_size=points))
        ),
        "people": np.array(draw(st.lists(numbers, min_size=points, max_size=points)), float),
        "need": np.array(
            draw(st.lists(st.sampled_from([1.0, 1.25, 2.5, 4.0]), min_size=points, max_size=points))
        ),
        "room": np.array(
            draw(st.lists(st.one_of(numbers, st.just(np.inf)), min_size=sites, max_size=sites)),
            float,
        ),
        "count": draw(st.integers(0, sites)),
        "fixed": draw(st.lists(st.integers(0, sites - 1), max_size=2, unique=True)),
    }  # fmt: skip


def most_need(world, sites):
    """The linear program of who goes where, given the sites."""
    pairs = [(i, j) for i, j in np.argwhere(world["cover"]) if j in sites]
    if not pairs:
        return 0.0
    rows, upper = [], []
    for axis, limits in ((0, world["people"]), (1, world["room"])):
        for key, limit in enumerate(limits):
            if np.isfinite(limit):
                rows.append([float(pair[axis] == key) for pair in pairs])
                upper.append(limit)
    worth = [-world["need"][i] for i, _ in pairs]
    return -linprog(worth, A_ub=np.array(rows), b_ub=upper).fun


@settings(max_examples=40)
@given(worlds())
def test_no_set_of_sites_meets_more_need(world):
    found = need_cover(
        world["cover"],
        world["people"],
        world["need"],
        world["count"],
        fixed=world["fixed"],
        capacity=world["room"],
    )
    free = [j for j in range(world["cover"].shape[1]) if j not in world["fixed"]]
    best = max(
        most_need(world, {*world["fixed"], *added})
        for size in range(world["count"] + 1)
        for added in combinations(free, size)
    )
    assert found.status == "optimal"
    assert abs(found.objective - best) < 1e-6
    assert abs(most_need(world, set(found.selected)) - best) < 1e-6


def test_without_limits_of_room_it_is_plain_coverage_by_need():
    cover = [[1, 0], [0, 1]]
    assert need_cover(cover, [10, 6], [1, 2], 1).selected == (1,)
    assert need_cover(cover, [10, 6], [1, 1], 1, capacity=[3, 5]).selected == (1,)
