"""Maximal covering at city size: gaps, times, memory, beside HiGHS alone and spopt with CBC."""

from __future__ import annotations

import importlib.util
import json
import resource
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np

from shelterplan.siting.cover_linear import cover_model
from shelterplan.siting.cover_search import Limits
from shelterplan.siting.highs import THREADS, Model
from shelterplan.siting.max_cover import max_cover
from shelterplan.siting.problem import as_cover
from shelterplan.siting.reduce import merge_rows, undominated
from tests.benchmarks.measure import Line, once
from tests.benchmarks.siting_city import SitingCity, siting_city

if TYPE_CHECKING:
    from shelterplan.siting.problem import Sparse
    from shelterplan.siting.result import SitingResult

RADIUS_M = 400.0
GAPS = (
    # points, candidates, existing, sites, seconds, largest gap in %; the last only if asked for
    (20_000, 5_000, 50, 25, 10.0, 0.0),
    (20_000, 5_000, 50, 50, 10.0, 1.0),
    (20_000, 5_000, 50, 100, 10.0, 2.2),
    (100_000, 10_000, 100, 100, 20.0, 0.01),
    (20_000, 5_000, 50, 50, 60.0, 0.6),
)
QUICK = 4
"""So many of them are measured without being asked."""
MEMORY_MIB = 500.0
PEER_S = 60.0
"""How long a peer may take in the short run [s]."""


def siting_lines(scale: float = 1.0, *, long: bool = False) -> list[Line]:
    """Gaps in a given time, HiGHS alone on the largest city, building the model, memory."""
    lines = []
    for points, candidates, existing, sites, seconds, most in GAPS if long else GAPS[:QUICK]:
        city = siting_city(
            max(60, int(points * scale)),
            max(20, int(candidates * scale)),
            max(2, int(existing * scale)),
            RADIUS_M,
        )
        count = max(2, int(sites * scale))
        _warm(city)
        found = max_cover(
            city.distance_m, city.people, count, fixed=city.existing, time_limit_s=seconds
        )
        lines.append(_gap_line(city, count, found, seconds, most, judged=scale >= 1))
        if points >= 100_000:
            lines.append(_highs_line(city, count, found, 6 * seconds if long else PEER_S))
            lines.append(_memory_line(scale))
    small = siting_city(max(60, int(5000 * scale)), max(20, int(1000 * scale)), 2, RADIUS_M)
    return lines + _building_lines(small, max(2, int(25 * scale)))


def _warm(city: SitingCity) -> None:
    """Compile everything on a part of the city."""
    max_cover(city.distance_m[:300, :100], None, 5, time_limit_s=5)


def _gap_line(
    city: SitingCity, count: int, found: SitingResult, seconds: float, most: float, *, judged: bool
) -> Line:
    name = f"{len(city.people)} x {city.distance_m.shape[1]}, {count} sites"
    bar = f"gap <= {most:g} %" if most else "proven"
    # A gap is not a time: what is told is the time, against the limit; missed is missed by the gap.
    met = found.optimal if not most else found.gap * 100 <= most
    return Line(
        what=f"siting {name}: {found.status} ({bar})",
        ours=found.seconds,
        baseline="time limit",
        theirs=seconds if met else 0.0,
        bar=0.97 if judged else None,
        note=f"covered {found.objective:.0f}, at most {found.bound:.0f}",
    )


def _reduced(city: SitingCity) -> tuple[Sparse, np.ndarray]:
    cover = as_cover(city.distance_m)
    met = cover[:, city.existing].sum(axis=1) > 0
    free = np.setdiff1d(np.arange(cover.shape[1]), city.existing)
    merged = merge_rows(cover[~met][:, free], city.people[~met])
    return merged.cover[:, undominated(merged.cover)], merged.weights


def _highs_line(city: SitingCity, count: int, found: SitingResult, seconds: float) -> Line:
    """HiGHS on the model reduced in the same way, told nothing else."""
    cover, people = _reduced(city)
    merged = merge_rows(cover, people)
    limits = Limits.of(cover.shape[1], count, None, np.inf)
    start = time.perf_counter()
    model = cover_model(merged.cover, merged.weights, limits, whole=True)
    gap = highs_alone(model, seconds, max(found.gap, 1e-4))
    theirs = time.perf_counter() - start
    return Line(
        what=f"siting {len(city.people)} x {city.distance_m.shape[1]}, {count} sites: the same gap",
        ours=found.seconds,
        baseline="HiGHS, same reductions",
        theirs=theirs,
        note=f"HiGHS alone: gap {gap:.2%}" + (" at its limit" if theirs >= seconds else ""),
    )


def highs_alone(model: Model, seconds: float, gap: float) -> float:
    """Solve a model with HiGHS directly; return its gap."""
    highs = highspy.Highs()
    for name, value in {
        "output_flag": False,
        "threads": THREADS,
        "time_limit": seconds,
        "mip_rel_gap": gap,
    }.items():
        highs.setOptionValue(name, value)
    rows = model.rows.tocsc()
    program = highspy.HighsLp()
    program.num_row_, program.num_col_ = rows.shape
    program.col_cost_, program.sense_ = model.objective, highspy.ObjSense.kMaximize
    program.col_lower_, program.col_upper_ = model.column_lower, model.column_upper
    program.row_lower_, program.row_upper_ = model.row_lower, model.row_upper
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_ = rows.indptr
    program.a_matrix_.index_ = rows.indices
    program.a_matrix_.value_ = rows.data
    kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
    program.integrality_ = [kinds[whole] for whole in model.whole.tolist()]
    highs.passModel(program)
    highs.run()
    info = highs.getInfo()
    return abs(info.mip_dual_bound - info.objective_function_value) / max(
        abs(info.objective_function_value), 1e-9
    )


def _building_lines(city: SitingCity, count: int) -> list[Line]:
    """Build the model, ours from a sparse matrix; spopt's, where it is installed, beside it."""
    if importlib.util.find_spec("spopt") is None or importlib.util.find_spec("pulp") is None:
        return []
    cover = as_cover(city.distance_m)
    limits = Limits.of(cover.shape[1], count, None, np.inf)
    kept = np.diff(cover.indptr) > 0
    build = once(lambda: cover_model(cover[kept], city.people[kept], limits, whole=True))
    made: list[Any] = []
    theirs = once(lambda: made.append(_spopt_model(city, count)))
    lines = [
        Line(
            what=f"siting {len(city.people)} x {cover.shape[1]}: building the model",
            ours=build,
            baseline="spopt",
            theirs=theirs,
            bar=100 if len(city.people) >= 5000 else None,
        )
    ]
    found = max_cover(city.distance_m, city.people, count, time_limit_s=PEER_S)
    solving = once(lambda: _solve_with_cbc(made[0], PEER_S))
    lines.append(
        Line(
            what=f"siting {len(city.people)} x {cover.shape[1]}, {count} sites: {found.status}",
            ours=found.seconds,
            baseline="spopt + CBC, building too",
            theirs=theirs + solving,
        )
    )
    return lines


def _spopt_model(city: SitingCity, count: int) -> Any:
    from spopt.locate import MCLP

    far = np.full(city.distance_m.shape, 2 * RADIUS_M)
    pairs = city.distance_m.tocoo()
    far[pairs.row, pairs.col] = pairs.data
    return MCLP.from_cost_matrix(far, city.people, RADIUS_M, p_facilities=count)


def _solve_with_cbc(model: Any, seconds: float) -> None:
    import pulp

    model.solve(pulp.PULP_CBC_CMD(msg=False, timeLimit=seconds))


def _memory_line(scale: float) -> Line:
    told = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.siting", str(scale)],
        capture_output=True,
        text=True,
        check=True,
    )
    mib = json.loads(told.stdout)["mib"]
    return Line(
        what="memory of siting in the largest city, beyond the start",
        ours=mib,
        baseline="500 MiB",
        theirs=MEMORY_MIB,
        bar=1,
        sense="cost",
        unit="MiB",
    )


def _measured(scale: float) -> float:
    """Return how far the peak rises over a run on the largest city [MiB]."""
    points, candidates, existing, sites, seconds, _ = GAPS[3]
    size = [max(60, int(points * scale)), max(20, int(candidates * scale))]
    city = siting_city(*size, max(2, int(existing * scale)), RADIUS_M)
    _warm(city)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    max_cover(
        city.distance_m,
        city.people,
        max(2, int(sites * scale)),
        fixed=city.existing,
        time_limit_s=seconds,
    )
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"mib": _measured(float(sys.argv[1]))}) + "\n")
