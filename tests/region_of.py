"""A study area, cut into the tiles of a region, to compare a tiled run with a whole one."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from shelterplan.scale.grid import Grid, Tile
from shelterplan.scale.store import NUMBER, finish, touched, write_part


def region_of(area, folder, tile_m):
    """Write the tables of a study area as a region with tiles of a side, and open it."""
    grid = Grid(area.crs.to_string(), float(tile_m))
    parts = []
    for table, rows, row, tile in cut(area, grid):
        for key in sorted({Tile(*one) for one in tile.tolist()}):
            own = row[(tile == key).all(axis=1)]
            parts.append(write_part(folder, table, key, rows.iloc[np.sort(own)]))
    communities = pd.DataFrame(area.communities[["name", "district"]])
    return finish(
        folder,
        grid,
        parts,
        communities,
        title=area.title,
        notes=area.notes,
        illustrative=area.illustrative,
    )


def cut(area, grid):
    """Give each table with its rows and the tiles that they stand in."""
    streets = area.streets.reset_index(drop=True)
    first = shapely.get_point(metric(streets, grid), 0)
    home = grid.tiles_at(shapely.get_x(first), shapely.get_y(first))
    names = [str(Tile(*one)) for one in home.tolist()]
    streets = streets.assign(edge=np.arange(len(streets)), home=pd.array(names, dtype="str"))
    yield "streets", streets, *touched(grid, metric(streets, grid))
    hazards = area.hazards.reset_index(drop=True)
    hazards = hazards.assign(**{NUMBER["hazards"]: np.arange(len(hazards))})
    yield "hazards", hazards, *touched(grid, metric(hazards, grid))
    for name in ("demand", "entrances", "candidates"):
        table = getattr(area, name)
        yield name, table, np.arange(len(table)), at(table, grid)
    doors = area.shelters.index.get_indexer(area.entrances["shelter_id"])
    row = np.r_[np.arange(len(area.shelters)), doors]
    tile = np.concatenate([at(area.shelters, grid), at(area.entrances, grid)])
    different = np.unique(np.column_stack([row, tile]), axis=0)
    yield "shelters", area.shelters, different[:, 0], different[:, 1:]


def metric(table, grid):
    """Give the shapes of a table in the metric CRS."""
    return np.asarray(table.geometry.to_crs(grid.crs).array)


def at(table, grid):
    """Give the tile of the representative point of each row."""
    points = gpd.GeoSeries(shapely.point_on_surface(metric(table, grid)))
    return grid.tiles_at(points.x, points.y)
