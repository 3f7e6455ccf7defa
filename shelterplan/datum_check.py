"""Which datum the shelters of a Chinese list are really in: a diagnosis, nothing is moved.

A list in GCJ-02 or BD-09 that is taken as WGS 84 puts every shelter some hundred metres off. Four
kinds of evidence are weighed, each against every other datum, and each is silent unless it is
decisive: how much nearer to streets the shelters come than at random shifts of like length;
whether they lie in the district that the list names; whether they lie near a mapped place of their
own name; and whether only one datum brings them all into the communities. Where the evidence is
silent or contradicts itself, the answer is that nobody can tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import shapely

from shelterplan import earth
from shelterplan.sources.datums import from_wgs84, in_china, to_wgs84

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from shelterplan.study_area import StudyArea

    Floats = NDArray[np.float64]

HYPOTHESES = ("wgs84", "gcj02", "bd09", "twice")
"""Right as stored; GCJ-02 or BD-09 taken as WGS 84; WGS 84 taken as GCJ-02 (moved twice)."""
REACH_M = 150.0
"""A street farther away than this is no nearer than any other [m]."""
NEAR_M = 15.0
"""What counts as beside a street in the shown share [m]."""
RING_M = 100.0
"""A right position is nearer to streets than others at this distance around it [m]."""
RING = 8
"""Positions on that ring."""
CONTROLS = 100
"""Random shifts that the hypotheses are compared with: none of them can be right."""
CONTROL_M = (250.0, 1500.0)
"""Shortest and longest of these shifts [m]."""
MARGIN_DEG = 0.02
"""Shelters this far outside the extent of the streets are not compared with them [degrees]."""
MOST_POINTS = 300
"""At most so many positions are compared with streets, evenly chosen."""
LEAST_POINTS = 20
"""With fewer positions near streets their distances say nothing safe."""
LEAST_Z = 4.5
"""Standard deviations of the random shifts by which a decisive hypothesis stands out."""
LEAST_LEAD = 2.5
"""Standard deviations by which it leads before every other hypothesis."""
NAMESAKE_M = 150.0
"""A place of the same name within this distance is the shelter itself [m]."""
UNLIKELY = 0.001
"""Largest chance that a decisive count of districts comes about by luck."""


class Evidence(NamedTuple):
    """What one kind of evidence says of each hypothesis, in their order."""

    counts: list[float]
    total: int
    winner: str
    """The hypothesis it decides for, or "" where it does not."""


def datum_fit(area: StudyArea) -> pd.DataFrame:
    """Compare how well each datum would fit the shelters to the rest of a study area.

    Parameters
    ----------
    area : StudyArea
        The place; its shelters are taken as stored.

    Returns
    -------
    DataFrame
        One row for each of `HYPOTHESES` (outside China only `wgs84`): `offset_m` (median shift
        from where the shelters are stored), `shelters`, `near_streets` (positions that have a
        street within `REACH_M`), `median_street_m`, `beside_street_share`, `streets_z` (standard
        deviations above random shifts), `in_named_district` of `named_district`, `near_namesake`
        of `namesakes`, `in_communities`, `best` (whether the evidence decides for it) and
        `decided_by` (which evidence did; "" where nobody can tell).

    Examples
    --------
    >>> from shelterplan import StudyArea
    >>> datum_fit(StudyArea.open("monaco"))[["shelters", "best"]].to_dict("index")
    {'wgs84': {'shelters': 14, 'best': False}}
    """
    shapes = np.asarray(area.shelters.geometry.array)
    middle = shapely.get_coordinates(shapely.centroid(shapes)) if len(shapes) else np.empty((0, 2))
    inside = in_china(*middle.T)
    if not inside.any():
        alone = {"shelters": [len(shapes)], "best": [False], "decided_by": [""]}
        return pd.DataFrame(alone, index=pd.Index(["wgs84"], name="hypothesis"))
    middle = middle[inside]
    moved = _moved(middle)
    streets, z = _streets(area, shapes[inside])
    district, named, homes = (
        judge(area, np.flatnonzero(inside), moved) for judge in (_districts, _namesakes, _homes)
    )
    evidence = {
        "streets": z,
        "districts": district,
        "names": named,
        "communities": homes,
    }
    winners = {one.winner for one in evidence.values()} - {""}
    best = winners.pop() if len(winners) == 1 else ""
    deciders = [name for name, one in evidence.items() if best and one.winner == best]
    return pd.DataFrame(
        {
            "offset_m": [float(np.median(_apart_m(middle, one))) for one in moved],
            "shelters": int(inside.sum()),
            **streets,
            "streets_z": z.counts,
            "in_named_district": np.array(district.counts, dtype=int),
            "named_district": district.total,
            "near_namesake": np.array(named.counts, dtype=int),
            "namesakes": named.total,
            "in_communities": np.array(homes.counts, dtype=int),
            "best": [one == best for one in HYPOTHESES],
            "decided_by": ", ".join(deciders),
        },
        index=pd.Index(HYPOTHESES, name="hypothesis"),
    )


def findings(area: StudyArea) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield what a check should say of the shelters' datum: a code and the values it names.

    Codes are `datum_shifted` (`datum` to declare, `offset_m`, `decided_by`), `datum_twice` (the
    list was in WGS 84 and was moved all the same) and `datum_unclear` (`shelters`,
    `near_streets`); nothing where the positions fit as stored, or outside China.
    """
    fit = datum_fit(area)
    if len(fit) == 1:
        return
    right = fit["best"].to_numpy(bool)
    if not right.any():
        first = fit.iloc[0]
        yield (
            "datum_unclear",
            {"shelters": int(first["shelters"]), "near_streets": int(first["near_streets"])},
        )
        return
    best = str(fit.index[right][0])
    values: dict[str, object] = {
        "datum": "wgs84" if best == "twice" else best,
        "offset_m": float(fit["offset_m"].to_numpy(float)[right][0]),
        "decided_by": str(fit["decided_by"].iloc[0]),
    }
    if best != "wgs84":
        yield ("datum_twice" if best == "twice" else "datum_shifted"), values


def _moved(lonlat: Floats) -> list[Floats]:
    """Return where positions would really be under each hypothesis, shape (n, 2) each."""
    lon, lat = lonlat.T
    return [
        lonlat,
        np.column_stack(to_wgs84(lon, lat, "gcj02")),
        np.column_stack(to_wgs84(lon, lat, "bd09")),
        np.column_stack(from_wgs84(lon, lat, "gcj02")),
    ]


def _apart_m(one: Floats, other: Floats) -> Floats:
    return np.asarray(earth.GEODESIC.inv(*one.T, *other.T)[2])


def _outline(shape: shapely.Geometry) -> Floats:
    """Return a point, or eight positions along an outline, shape (n, 2)."""
    if isinstance(shape, shapely.Point):
        return shapely.get_coordinates(shape)
    rings = shapely.get_parts(shapely.boundary(shape))
    ring = rings[int(np.argmax(shapely.length(rings)))]
    return shapely.get_coordinates(
        shapely.line_interpolate_point(ring, np.arange(8) / 8, normalized=True)
    )


def _streets(area: StudyArea, shapes: NDArray[np.object_]) -> tuple[dict[str, object], Evidence]:
    """Compare distances to streets with those at random shifts.

    Each distance is ranked among those of the same shelter at all random shifts, and a position
    counts for how much nearer (in the logarithm of the rank) it is than the ring around it: slow
    changes, such as a denser quarter or the sea on one side, drop out.
    """
    points = np.concatenate([_outline(one) for one in shapes])
    network = area.network()
    mapped = shapely.box(*area.streets.total_bounds).buffer(MARGIN_DEG)
    points = points[shapely.intersects_xy(mapped, points)]
    if not len(points):
        count = len(HYPOTHESES)
        unseen = {"near_streets": np.zeros(count, int), "median_street_m": [np.nan] * count}
        return unseen | {"beside_street_share": np.full(count, np.nan)}, Evidence(
            [np.nan] * count, 0, ""
        )
    points = points[:: max(1, -(-len(points) // MOST_POINTS))]
    metric = earth.to_metric(network.crs)
    places = np.array([np.column_stack(metric.transform(*one.T)) for one in _moved(points)])
    shifts = _control_shifts(np.median(places - places[0], axis=1))
    centres = np.concatenate([places[0] + shifts[:, None], places])
    angle = np.arange(RING) * 2 * np.pi / RING
    radius = np.where(np.arange(RING) % 2, RING_M, RING_M / 2)
    ring = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    around = np.vstack([[[0.0, 0.0]], ring])
    spots = (centres[:, None] + around[None, :, None]).reshape(-1, 2)
    usable = np.ones(len(network.edge_mm), bool)
    far_m = network.grid.nearest(spots, REACH_M, usable)[1][:, 2]
    far_m = np.where(np.isfinite(far_m), far_m, np.inf).reshape(len(centres), 1 + RING, -1)
    here_m = far_m[CONTROLS:, 0]
    near = np.isfinite(here_m)
    shown: dict[str, object] = {
        "near_streets": near.sum(1),
        "median_street_m": [
            float(np.median(one[good])) if good.any() else np.nan
            for one, good in zip(here_m, near, strict=True)
        ],
        "beside_street_share": (here_m <= NEAR_M).mean(1),
    }
    known = np.isfinite(far_m[:CONTROLS]).mean((0, 1)) > 0.5
    z = _standing_out(far_m[:, :, known])
    return shown, Evidence(z.tolist(), int(known.sum()), _street_winner(z, int(known.sum())))


def _control_shifts(right: Floats) -> Floats:
    """Return random shifts [m] that are none of those that might be right."""
    draw = np.random.default_rng(0)
    shifts: list[Floats] = []
    while len(shifts) < CONTROLS:
        length, angle = draw.uniform(*CONTROL_M), draw.uniform(0, 2 * np.pi)
        shift = np.array([length * np.cos(angle), length * np.sin(angle)])
        if (np.hypot(*(right - shift).T) > RING_M).all():
            shifts.append(shift)
    return np.array(shifts)


def _standing_out(far_m: Floats) -> Floats:
    """Return how many standard deviations each hypothesis stands above the random shifts."""
    count = far_m.shape[2]
    if count < 2:
        return np.full(len(HYPOTHESES), np.nan)
    score = np.empty_like(far_m)
    for i in range(count):
        all_m = np.sort(far_m[:CONTROLS, :, i], axis=None)
        rank = np.searchsorted(all_m, far_m[:, :, i], "left") + np.searchsorted(
            all_m, far_m[:, :, i], "right"
        )
        score[:, :, i] = -np.log(np.clip(rank / 2, 0.5, None) / len(all_m))
    contrast = (score[:, 0] - score[:, 1:].mean(1)).sum(1)
    random = contrast[:CONTROLS]
    spread = random.std()
    return np.asarray((contrast[CONTROLS:] - random.mean()) / (spread if spread > 0 else np.nan))


def _street_winner(z: Floats, count: int) -> str:
    if count < LEAST_POINTS or not np.isfinite(z).all():
        return ""
    first, second = np.sort(z)[::-1][:2]
    return HYPOTHESES[int(z.argmax())] if first >= LEAST_Z and first - second >= LEAST_LEAD else ""


def _districts(area: StudyArea, rows: NDArray[np.intp], moved: list[Floats]) -> Evidence:
    """Count the shelters that lie in the district, or community, that their list names."""
    if "district" not in area.shelters:
        return Evidence([0] * len(moved), 0, "")
    said = area.shelters["district"].fillna("").astype(str).str.strip().to_numpy()[rows]
    communities = area.communities
    names = [communities[column].astype(str).str.strip() for column in ("district", "name")]
    known = (said != "") & np.isin(said, np.concatenate([one.to_numpy() for one in names]))
    tree = shapely.STRtree(np.asarray(communities.geometry.array))

    def hits(lonlat: Floats) -> NDArray[np.bool_]:
        point, polygon = tree.query(shapely.points(lonlat), predicate="intersects")
        fits = (names[0].to_numpy()[polygon] == said[point]) | (
            names[1].to_numpy()[polygon] == said[point]
        )
        return np.isin(np.arange(len(lonlat)), point[fits])

    found = np.array([hits(one) for one in moved])[:, known]
    return _counted(found, lambda gained, lost: _luck(gained, lost) < UNLIKELY, least_share=0.9)


def _namesakes(area: StudyArea, rows: NDArray[np.intp], moved: list[Floats]) -> Evidence:
    """Count the shelters that lie near a mapped place of their own name."""
    tables = [area.places, area.candidates]
    names = pd.concat([one["name"].astype(str).str.strip() for one in tables])
    shapes = np.concatenate([shapely.centroid(np.asarray(one.geometry.array)) for one in tables])
    single = ~names.duplicated(keep=False).to_numpy()
    where = dict(zip(names[single], shapes[single], strict=True))
    mine = area.shelters["name"].astype(str).str.strip().iloc[rows]
    known = (mine.isin(where) & ~mine.duplicated(keep=False)).to_numpy()
    if not known.any():
        return Evidence([0] * len(moved), 0, "")
    places = shapely.get_coordinates([where[name] for name in mine[known]])
    found = np.array([_apart_m(one[known], places) <= NAMESAKE_M for one in moved])
    return _counted(found, lambda gained, lost: gained >= 3 and lost * 10 <= gained)


def _homes(area: StudyArea, rows: NDArray[np.intp], moved: list[Floats]) -> Evidence:
    """Count the shelters that lie in a community.

    It decides only where one datum loses no shelter that another has, brings in several, and
    leaves out hardly any: a list that is wider than the study area never does that.
    """
    tree = shapely.STRtree(np.asarray(area.communities.geometry.array))
    each = np.arange(len(rows))
    inside = [tree.query(shapely.points(one), predicate="intersects")[0] for one in moved]
    found = np.array([np.isin(each, one) for one in inside])
    return _counted(found, lambda gained, lost: gained >= 7 and lost == 0, least_share=0.97)


def _counted(
    found: NDArray[np.bool_], decisive: Callable[[int, int], bool], *, least_share: float = 0.0
) -> Evidence:
    """Decide for the hypothesis with most hits if it beats every other in the pairs that differ."""
    counts = found.sum(1)
    best = int(counts.argmax())
    wins = all(
        decisive(int((found[best] & ~other).sum()), int((other & ~found[best]).sum()))
        for i, other in enumerate(found)
        if i != best
    )
    total = found.shape[1]
    sure = wins and counts[best] >= least_share * total
    return Evidence(counts.tolist(), total, HYPOTHESES[best] if sure else "")


def _luck(gained: int, lost: int) -> float:
    """Return the chance that of gained + lost fair coins at least `gained` show heads."""
    from scipy.stats import binom

    return float(binom.sf(gained - 1, gained + lost, 0.5)) if gained + lost else 1.0
