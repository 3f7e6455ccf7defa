"""Peak memory of a whole city, in a process of its own.

``python -m tests.benchmarks.memory FOLDER`` reads the city that `memory_lines` left there, and
prints one JSON object of mebibytes.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from shelterplan import WalkNetwork, access
from shelterplan.snap import snap
from tests.benchmarks.city import CRS, build_city
from tests.benchmarks.measure import Line

HOMES = 200_000
"""Homes of a large city; a small one has no more than nodes."""
LIMIT_MIB = 1024.0
_PART = 200_000


def memory_lines(nodes: int) -> list[Line]:
    """Read a city, put homes on it, find the nearest shelter of all: the peak of it all."""
    homes = min(HOMES, nodes)
    with tempfile.TemporaryDirectory() as folder:
        city = build_city(nodes)
        city.streets().to_parquet(Path(folder) / "streets.parquet", row_group_size=_PART)
        lon, lat = city.positions(homes, seed=1)
        np.savez(Path(folder) / "homes.npz", lon=lon, lat=lat)
        told = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.memory", folder],
            capture_output=True,
            text=True,
            check=True,
        )
    mb = json.loads(told.stdout)
    steps = ", ".join(f"{name} {value:.0f}" for name, value in mb.items() if name != "entries")
    entries_mib = 8 / 2**20 * mb["entries"]
    return [
        Line(
            what=f"memory of {nodes} nodes, {homes} homes, in all",
            ours=mb["nearest"],
            baseline="1 GiB",
            theirs=LIMIT_MIB,
            bar=1,
            sense="cost",
            unit="MiB",
            note=steps,
        ),
        Line(
            what="memory of catchments, beyond that",
            ours=mb["catchments"] - mb["nearest"],
            baseline="8 bytes an entry",
            theirs=entries_mib,
            sense="cost",
            unit="MiB",
            note=f"{mb['entries']:.0f} entries",
        ),
    ]


def peak_mib() -> float:
    """Return the most memory that this process ever held.

    Where there is no /proc, `ru_maxrss` has to do: on Linux it counts the parent's memory too.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def read_in_parts(path: Path) -> gpd.GeoDataFrame:
    """Read a GeoParquet file by row groups: all at once, lines and their bytes meet in memory."""
    pa.set_memory_pool(pa.system_memory_pool())
    file = pq.ParquetFile(path)
    parts = []
    for group in range(file.num_row_groups):
        part = file.read_row_group(group, use_threads=False).to_pandas(use_threads=False)
        part["geometry"] = gpd.GeoSeries.from_wkb(part["geometry"], crs="EPSG:4326")
        parts.append(gpd.GeoDataFrame(part))
    return pd.concat(parts, ignore_index=True)


def measure(folder: Path) -> dict[str, float]:
    """Do it all, and note the peak after each step."""
    peaks = {"start": peak_mib()}
    network = WalkNetwork.from_streets(read_in_parts(folder / "streets.parquet"), CRS)
    peaks["network"] = peak_mib()
    positions = np.load(folder / "homes.npz")
    homes = snap(network, positions["lon"], positions["lat"])
    peaks["snap"] = peak_mib()
    shelters = homes.take(np.arange(0, len(homes), 200))
    found = access.nearest(network, homes, shelters)
    peaks["nearest"] = peak_mib()
    assert np.isfinite(found["distance_m"]).mean() > 0.99  # a few ways lead one way only
    reach = access.catchments(network, homes, shelters, cutoff_m=3000)
    return peaks | {"catchments": peak_mib(), "entries": reach.nnz}


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))  # noqa: T201
