"""The streets of a resident map: nodes, true curves, exact lengths, names, who can walk them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from shelterplan.views.resident.numbers import gaps, signed, varints
from shelterplan.views.street_pack import drawn_classes

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from shelterplan.network import WalkNetwork
    from shelterplan.views.resident.plane import Plane

Sections = dict[str, bytes]
"""Parts of the packed bytes, by name."""


def street_sections(network: WalkNetwork, plane: Plane) -> tuple[Sections, dict[str, Any]]:
    """Return the sections of all streets, and what a page must know to read them.

    Edges keep their order, and nodes their numbers: where two streets are equally near to a place,
    the first of them is taken, here as there.
    """
    streets = network.with_geometry()
    lines = np.asarray(streets.geometry.array, object)
    ptr = np.concatenate(([0], np.cumsum(shapely.get_num_coordinates(lines)))).astype(np.int64)
    units = plane.units(shapely.get_coordinates(lines))
    u, v = network.edge_u.astype(np.int64), network.edge_v.astype(np.int64)
    told, odd = _told(units, ptr, np.column_stack([u, v]))
    step = np.diff(units, axis=0, prepend=np.zeros((1, 2), np.int64))[told]
    numbers, kinds = _kinds(streets)
    said, names = _names(streets)
    missing = network.edge_mm.astype(np.int64) - plane.lengths_mm(units, ptr)
    sections = {
        "u": signed(np.diff(u, prepend=0)),
        "v": signed(v - u),
        "inner": varints(np.diff(ptr) - 2),
        "odd_ends": gaps(odd),
        "x": signed(step[:, 0]),
        "y": signed(step[:, 1]),
        "mm": signed(missing),
        "kind": numbers.tobytes() if len(kinds) < 256 else varints(numbers),
        "name": varints(said),
        "not_forward": gaps(np.flatnonzero(~network.forward)),
        "not_backward": gaps(np.flatnonzero(~network.backward)),
    }
    facts = {
        "nodes": network.node_count,
        "edges": len(u),
        "points": len(units),
        "kinds": kinds,
        "names": names,
    }
    return sections, facts


def slope_sections(streets: gpd.GeoDataFrame, slope: str) -> Sections:
    """Return how many times as long as on the flat each street takes [hundred-thousandths]."""
    return {
        f"{slope}_{way}": varints(
            np.rint(streets[f"{slope}_{way}"].astype("Float64").fillna(1.0).to_numpy(float) * 1e5)
        )
        for way in ("forward", "backward")
    }


def _told(
    units: NDArray[np.int64], ptr: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return which points are written, and which known ends all the same.

    An end is not written where an earlier one of the same node was, unless it lies elsewhere. Ends
    are numbered by twice the edge, one more for its last point.
    """
    node = ends.reshape(-1)
    point = np.column_stack([ptr[:-1], ptr[1:] - 1]).reshape(-1)
    first = np.full(int(node.max(initial=-1)) + 1, -1, np.int64)
    order = np.arange(len(node))[::-1]
    first[node[order]] = order  # the earliest stays
    earlier = first[node]
    new = earlier == np.arange(len(node))
    odd = ~new & (units[point] != units[point[earlier]]).any(axis=1)
    told = np.ones(len(units), bool)
    told[point] = new | odd
    return told, np.flatnonzero(odd)


def _kinds(streets: gpd.GeoDataFrame) -> tuple[NDArray[np.uint8], list[list[Any]]]:
    """Return the kind of each street; of each kind its class, whether steps, how it is drawn."""
    table = pd.DataFrame(
        {
            "class": streets["class"].astype(str).to_numpy(object),
            "steps": streets["steps"].to_numpy(bool),
            "drawn": drawn_classes(streets),
        }
    )
    number = table.groupby(list(table.columns), sort=True).ngroup().to_numpy()
    first = table.assign(number=number).drop_duplicates("number").sort_values("number")
    kinds = [[str(a), bool(b), int(c)] for a, b, c, _ in first.itertuples(index=False)]
    return number.astype(np.uint8 if len(kinds) < 256 else np.uint32), kinds


def _names(streets: gpd.GeoDataFrame) -> tuple[NDArray[np.int64], list[str]]:
    """Return the name of each street by its number, 0 for none, and the names from 1 on."""
    said = streets["name"].astype(object)
    codes, names = pd.factorize(said.where([isinstance(n, str) and n != "" for n in said], None))
    return codes.astype(np.int64) + 1, [str(name) for name in names]
