"""Boxes compared on a board: none that meets another is missed, and few more are named."""

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from shelterplan.scale.board import CELLS, Board

places = st.floats(-180, 180, allow_nan=False).map(lambda x: round(x, 3))


@st.composite
def boxes(draw):
    """Some boxes, points and lines among them."""
    rows = draw(st.lists(st.tuples(places, places, places, places), min_size=1, max_size=12))
    corners = np.array(rows)
    low, high = (
        np.minimum(corners[:, :2], corners[:, 2:]),
        np.maximum(corners[:, :2], corners[:, 2:]),
    )
    return np.column_stack([low, high])


@given(boxes(), boxes())
def test_no_box_that_meets_another_is_missed(drawn, others):
    near = Board.of(drawn).near(others)
    meets = shapely.intersects(shapely.box(*others.T)[:, None], shapely.box(*drawn.T)).any(axis=1)
    assert near[meets].all()


@given(boxes(), boxes())
def test_what_is_named_is_at_most_two_cells_away(drawn, others):
    near = Board.of(drawn).near(others)
    apart = np.maximum(
        drawn[None, :, :2] - others[:, None, 2:], others[:, None, :2] - drawn[None, :, 2:]
    )
    cell = (drawn[:, 2:].max(axis=0) - drawn[:, :2].min(axis=0)) / CELLS
    close = (apart <= 2 * cell + 1e-9).all(axis=2).any(axis=1)
    assert not near[~close].any()
