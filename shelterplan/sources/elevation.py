"""Slopes of streets from a grid of elevations: climb, descent and how much longer a walk takes.

Each crossing takes its elevation once, so that what one street climbs another descends and every
round trip sums to nought. Between crossings a street is sampled along its line in equal steps of
at least one cell; a street shorter than two cells has one step, between its ends. A finer step
would show no more of the ground: between the middles of cells the elevation is interpolated
(bilinear), and over a shorter run the noise of the grid becomes slope. Grids of 30 m from space
are in error by some metres from cell to cell, so that flat streets in them look like gentle hills.

Bridges and tunnels do not follow the ground: their elevation runs straight between the crossings
where they meet other streets, over the whole of a structure of several pieces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import spsolve

from shelterplan import tables

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import ArrayLike, NDArray

    from shelterplan.sources.raster import Raster

STEEPEST = 1.0
"""Slopes beyond this [rise over run] are no walk: the functions are used up to it."""
STEEP = 0.05
"""Slopes from here on are counted as steep [rise over run]."""
PLAUSIBLE_M = (-500.0, 9_000.0)
"""Elevations of dry land [m]; values beyond them are gaps that the file does not declare."""
DECIMALS = 6
"""Elevations are kept to this many decimals of a metre, so that flat ground is flat."""
SHORTEST_M = 0.001
"""A piece of bridge counts as at least this long [m]."""


def tobler_km_h(slope: ArrayLike) -> NDArray[np.float64]:
    """Return walking speeds [km/h] by Tobler's hiking function, 6 exp(-3.5 |s + 0.05|).

    Parameters
    ----------
    slope : array of float
        Rise over run, positive uphill.

    References
    ----------
    Tobler (1993), Three presentations on geographical analysis and modeling, NCGIA report 93-1.

    Examples
    --------
    >>> tobler_km_h([0.0, 0.1, -0.05]).round(4).tolist()
    [5.0367, 3.5493, 6.0]
    """
    return 6.0 * np.exp(-3.5 * np.abs(np.asarray(slope, dtype=np.float64) + 0.05))


def irmischer_km_h(slope: ArrayLike) -> NDArray[np.float64]:
    """Return walking speeds [km/h]: 3.6 (0.11 + exp(-(|100 s| + 5)^2 / 1800)).

    Parameters
    ----------
    slope : array of float
        Rise over run; uphill and downhill are alike.

    References
    ----------
    Irmischer and Clarke (2018), Measuring and modeling the speed of human navigation,
    Cartography and Geographic Information Science 45(2).

    Examples
    --------
    >>> irmischer_km_h([0.0, 0.1, -0.1]).round(4).tolist()
    [3.9463, 3.573, 3.573]
    """
    percent = np.abs(100.0 * np.asarray(slope, dtype=np.float64))
    return 3.6 * (0.11 + np.exp(-((percent + 5.0) ** 2) / 1800.0))


def with_slopes(streets: gpd.GeoDataFrame, dem: Raster) -> tuple[gpd.GeoDataFrame, dict[str, Any]]:
    """Add to each street its climb, descent, and time factors against a walk on the flat.

    Parameters
    ----------
    streets : GeoDataFrame
        The streets table, in EPSG:4326: `from`, `to`, `length_m`, `bridge_tunnel`, lines that run
        from `from` to `to`.
    dem : Raster
        Elevations [m].

    Returns
    -------
    streets : GeoDataFrame
        With the columns `tables.SLOPES` (Float64): `climb_m`, `descent_m` from `from` to `to`;
        `tobler_forward`, `tobler_backward`, `irmischer_forward`, `irmischer_backward`: how many
        times as long as on the flat the walk takes, 1.0 on the flat. NA where an elevation on the
        way is not known.
    facts : dict
        `name`, `sha256`, `cell_m`, `edges`, `edges_unknown`, `km_unknown`, `edges_bridge_tunnel`,
        `edges_bridge_tunnel_unknown` (no end known), `steps_capped` (steeper than `STEEPEST`),
        `steep_share` (of the known length: `STEEP` or more), `lowest_m`, `highest_m`.

    Examples
    --------
    >>> import geopandas as gpd, pyproj
    >>> from shelterplan.sources.raster import Raster
    >>> hill = Raster(cells=np.array([[0.0, 10.0], [0.0, 10.0]]), crs=pyproj.CRS.from_epsg(4326),
    ...               transform=(0.001, 0.0, 0.0, 0.0, -0.001, 0.001))
    >>> street = gpd.GeoDataFrame(
    ...     {"from": [0], "to": [1], "length_m": [100.0], "bridge_tunnel": [""]},
    ...     geometry=[shapely.LineString([(0.0005, 0.0005), (0.0015, 0.0005)])], crs=4326)
    >>> found, facts = with_slopes(street, hill)
    >>> found[["climb_m", "descent_m", "tobler_forward"]].round(3).loc[0].tolist()
    [10.0, 0.0, 1.419]
    """
    raised = _raised(streets)
    node, node_m = _node_elevations(streets, dem, raised)
    step_edge, rise_m, run_m = _steps(streets, dem, raised, node, node_m)
    slope = np.divide(rise_m, run_m, out=np.zeros_like(rise_m), where=run_m > 0)
    columns = _columns(step_edge, rise_m, slope, len(streets))
    table = streets.assign(
        **{name: pd.array(values, dtype="Float64") for name, values in columns.items()}
    )
    length_m = streets["length_m"].to_numpy(np.float64)
    unknown = np.isnan(columns["climb_m"])
    known_m = np.where(np.isnan(slope), 0.0, run_m)
    steep_m = known_m[np.abs(slope) >= STEEP]
    facts = {
        "name": dem.facts.get("name", ""),
        "sha256": dem.facts.get("sha256", ""),
        "cell_m": dem.cell_m,
        "edges": len(streets),
        "edges_unknown": int(unknown.sum()),
        "km_unknown": float(length_m[unknown].sum()) / 1000,
        "edges_bridge_tunnel": int(raised.sum()),
        "edges_bridge_tunnel_unknown": int((raised & unknown).sum()),
        "steps_capped": int((np.abs(slope) > STEEPEST).sum()),
        "steep_share": float(steep_m.sum() / max(known_m.sum(), SHORTEST_M)),
        "lowest_m": _extreme(node_m, np.nanmin),
        "highest_m": _extreme(node_m, np.nanmax),
    }
    return table, facts


def _extreme(values: np.ndarray, of: Any) -> float | None:  # noqa: ANN401  (nanmin or nanmax)
    return None if np.isnan(values).all() else float(of(values))


def _raised(streets: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Say which streets are bridges or tunnels."""
    tag = streets["bridge_tunnel"]
    return np.array([isinstance(word, str) and word != "" for word in tag], dtype=bool)


def _elevation(dem: Raster, lon: np.ndarray, lat: np.ndarray) -> NDArray[np.float64]:
    """Return elevations [m], NaN where there are none, or none that can be true."""
    found = np.round(dem.sample(lon, lat), DECIMALS)
    with np.errstate(invalid="ignore"):
        return np.where((found >= PLAUSIBLE_M[0]) & (found <= PLAUSIBLE_M[1]), found, np.nan)


def _node_elevations(
    streets: gpd.GeoDataFrame, dem: Raster, raised: np.ndarray
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the number of each crossing and, taken once, its elevation.

    Returns
    -------
    node : array of int64, shape (2, m)
        Numbers of the crossings at which each street begins and ends.
    node_m : array of float64, shape (n,)
        Elevation of each crossing [m]; NaN if not known.
    """
    lines = np.asarray(streets.geometry.array)
    ends = streets[["from", "to"]].to_numpy(np.int64).T.ravel()
    _, first, node = np.unique(ends, return_index=True, return_inverse=True)
    points = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])[first]
    node = node.reshape(2, -1)
    node_m = _elevation(dem, shapely.get_x(points), shapely.get_y(points))
    return node, _carried(node, node_m, raised, streets["length_m"].to_numpy(np.float64))


def _carried(
    node: np.ndarray, node_m: np.ndarray, raised: np.ndarray, length_m: np.ndarray
) -> NDArray[np.float64]:
    """Return elevations in which the crossings inside bridges and tunnels hang between the ends.

    The ends are the crossings shared with a street that is neither. Between them the elevation is
    the one at which a rope of that length would lie straight: at each inner crossing the mean of
    its neighbours, weighted by one over their distance. A dead end is as high as where it starts.
    A structure one end of which is not known, or that has none, is not known.
    """
    inner = np.ones(len(node_m), dtype=bool)
    inner[node[:, ~raised]] = False
    if not inner.any():
        return node_m
    u, v = node[:, raised]
    apart = u != v
    u, v, weight = u[apart], v[apart], 1.0 / np.maximum(length_m[raised][apart], SHORTEST_M)
    size = len(node_m)
    near = sparse.coo_array((np.tile(weight, 2), (np.r_[u, v], np.r_[v, u])), (size, size)).tocsr()
    hanging = np.flatnonzero(inner)
    ground = np.where(inner, 0.0, node_m)
    known = np.isfinite(ground)
    part = connected_components(near[hanging][:, hanging], directed=False)[1]
    touches = near[hanging] @ np.where(inner, 0.0, 1.0)
    gaps = near[hanging] @ np.where(known, 0.0, 1.0)
    lost = (np.bincount(part, touches) == 0) | (np.bincount(part, gaps) > 0)
    solved = ~lost[part]
    rows = near[hanging[solved]]
    matrix = sparse.diags_array(rows.sum(axis=1)) - rows[:, hanging[solved]]
    result = node_m.copy()
    result[hanging] = np.nan
    if solved.any():
        result[hanging[solved]] = spsolve(matrix.tocsc(), rows @ np.where(known, ground, 0.0))
    return result


def _steps(
    streets: gpd.GeoDataFrame, dem: Raster, raised: np.ndarray, node: np.ndarray, node_m: np.ndarray
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Cut streets into equal steps of at least a cell: the street, rise and run of each [m]."""
    length_m = streets["length_m"].to_numpy(np.float64)
    count = np.maximum(np.floor(length_m / dem.cell_m).astype(np.int64), 1)
    count[raised] = 1
    first = np.cumsum(count) - count
    edge = np.repeat(np.arange(len(count)), count)
    step = np.arange(len(edge)) - first[edge]
    inside = step > 0
    lon, lat = _along(streets, edge[inside], step[inside] / count[edge[inside]])
    start_m = node_m[node[0]][edge]
    start_m[inside] = _elevation(dem, lon, lat)
    end_m = np.empty_like(start_m)
    end_m[:-1] = start_m[1:]
    end_m[first + count - 1] = node_m[node[1]]
    return edge, end_m - start_m, (length_m / count)[edge]


def _along(
    streets: gpd.GeoDataFrame, edge: np.ndarray, share: np.ndarray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the places at shares of the length of streets (lon, lat)."""
    xy, owner = shapely.get_coordinates(np.asarray(streets.geometry.array), return_index=True)
    step = np.diff(xy, axis=0)
    middle = np.radians((xy[1:, 1] + xy[:-1, 1]) / 2)
    piece = np.hypot(step[:, 0] * np.cos(middle), step[:, 1])
    piece[np.diff(owner) > 0] = 0.0
    reached = np.concatenate([[0.0], np.cumsum(piece)])
    first = np.searchsorted(owner, np.arange(len(streets)))
    last = np.append(first[1:], len(owner)) - 1
    at = reached[first[edge]] + share * (reached[last[edge]] - reached[first[edge]])
    return np.interp(at, reached, xy[:, 0]), np.interp(at, reached, xy[:, 1])


def _columns(
    edge: np.ndarray, rise_m: np.ndarray, slope: np.ndarray, count: int
) -> dict[str, NDArray[np.float64]]:
    """Sum the steps of each street; one unknown step makes a street unknown."""
    steps = np.bincount(edge, minlength=count)
    walked = np.clip(slope, -STEEPEST, STEEPEST)

    def total(values: np.ndarray) -> NDArray[np.float64]:
        return np.bincount(edge, values, minlength=count).astype(np.float64)

    factors = {
        f"{name}_{direction}": total(speed(0.0) / speed(sign * walked)) / steps
        for name, speed in (("tobler", tobler_km_h), ("irmischer", irmischer_km_h))
        for direction, sign in (("forward", 1), ("backward", -1))
    }
    heights = {
        "climb_m": total(np.maximum(rise_m, 0.0)),
        "descent_m": total(np.maximum(-rise_m, 0.0)),
    }
    return {name: (heights | factors)[name] for name in tables.SLOPES}
