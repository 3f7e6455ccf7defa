"""Connected parts of the streets of a region, found tile by tile and joined over the borders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from shelterplan.scale.grid import Tile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import geopandas as gpd
    from numpy.typing import NDArray


def parts_of_tile(
    streets: gpd.GeoDataFrame, passable: NDArray[np.bool_], tile: Tile
) -> dict[str, pd.DataFrame]:
    """Find the connected parts of the streets that touch a tile.

    All streets that meet at a node of a tile touch that tile, so a part can only go on in another
    tile over a street that touches both.

    Parameters
    ----------
    streets : GeoDataFrame
        As a region holds them.
    passable : array of bool, shape (streets,)
        Streets that the walker can use.
    tile : Tile
        The tile.

    Returns
    -------
    dict
        `edges`: `edge`, `part` (0 to p - 1, in the order of their lowest node; -1 where nobody can
        pass). `abroad`: `edge`, `part`, `home`, for those that begin in another tile. `lengths`: of
        each part `mm`, streets that begin in the tile, and `node`, its lowest.
    """
    ends = streets.loc[passable, ["from", "to"]].to_numpy(np.int64)
    nodes, local = np.unique(ends, return_inverse=True)
    u, v = local.reshape(ends.shape).T
    label = _components(u, v, len(nodes))
    part = np.full(len(streets), -1, np.int64)
    part[passable] = label[u]
    home = streets["home"].to_numpy(object)
    here = home == str(tile)
    mm = np.rint(streets["length_m"].to_numpy(float) * 1000).astype(np.int64)
    count = int(label.max(initial=-1)) + 1
    total = np.zeros(count, np.int64)
    np.add.at(total, part[here & passable], mm[here & passable])
    edges = pd.DataFrame({"edge": streets["edge"].to_numpy(np.int64), "part": part})
    abroad = edges[~here & passable].assign(home=home[~here & passable])
    lowest = nodes[np.unique(label, return_index=True)[1]]
    return {
        "edges": edges,
        "abroad": abroad.reset_index(drop=True).astype({"home": "str"}),
        "lengths": pd.DataFrame({"mm": total, "node": lowest}),
    }


def _components(u: NDArray[np.int64], v: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the connected part of each node, numbered in the order of their lowest node."""
    links = coo_array((np.ones(len(u), bool), (u, v)), shape=(count, count))
    label = connected_components(links, directed=False)[1] if count else np.zeros(0, np.int64)
    first = np.unique(label, return_index=True)[1]
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[label]


def joined(
    tiles: Iterable[Tile], results: Callable[[Tile], Mapping[str, pd.DataFrame]]
) -> pd.DataFrame:
    """Join the parts of all tiles over their borders.

    Parameters
    ----------
    tiles : iterable of Tile
        Every tile of the region.
    results : callable
        What `parts_of_tile` returned for a tile. It is asked once or twice for each.

    Returns
    -------
    DataFrame
        `tile`, `part` and `whole`, the number of the part in the region: 0 is the one with the
        longest streets, and of equally long ones the one with the lowest node.
    """
    names: list[str] = []
    lengths = [pd.DataFrame({"mm": _NONE, "node": _NONE})]
    abroad = [pd.DataFrame({"edge": _NONE, "part": _NONE, "home": [], "tile": []})]
    for tile in tiles:
        found = results(tile)
        names.append(str(tile))
        lengths.append(found["lengths"])
        abroad.append(found["abroad"].assign(tile=str(tile)))
    size = np.array([len(one) for one in lengths[1:]], np.int64)
    first = dict(zip(names, (np.cumsum(size) - size).tolist(), strict=True))
    links = _links(pd.concat(abroad, ignore_index=True), first, results)
    label = _components(*links, int(size.sum()))
    together = (
        pd.concat(lengths, ignore_index=True)
        .groupby(label)
        .agg(mm=("mm", "sum"), node=("node", "min"))
    )
    order = np.lexsort((together["node"], -together["mm"]))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return pd.DataFrame(
        {
            "tile": pd.array(np.repeat(np.array(names, object), size), dtype="str"),
            "part": np.arange(len(label)) - np.repeat(np.cumsum(size) - size, size),
            "whole": rank[label],
        }
    )


_NONE = np.zeros(0, np.int64)


def _links(
    abroad: pd.DataFrame,
    first: Mapping[str, int],
    results: Callable[[Tile], Mapping[str, pd.DataFrame]],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs of parts that share a street: one here, one in the tile where it begins."""
    ours, theirs = [_NONE], [_NONE]
    for home, asked in abroad[abroad["home"].isin(list(first))].groupby("home"):
        edges = results(Tile.named(str(home)))["edges"].set_index("edge")["part"]
        ours.append(asked["tile"].map(first).to_numpy(np.int64) + asked["part"].to_numpy(np.int64))
        theirs.append(first[str(home)] + edges.loc[asked["edge"]].to_numpy(np.int64))
    return np.concatenate(ours), np.concatenate(theirs)
