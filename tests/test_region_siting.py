"""Siting in a region, part by part: the same as undivided, as brute force, and proven."""

import json
from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from shelterplan import StudyArea, make_plan
from shelterplan.cli.region_suggest import suggest as command
from shelterplan.scale.siting import cover_by_parts
from shelterplan.scale.siting_parts import Part, split
from shelterplan.scale.siting_region import suggest
from shelterplan.scale.siting_shares import share_out
from shelterplan.scale.stages import Parameters
from shelterplan.scenario import WALKERS, Scenario
from shelterplan.siting.ground import Ground
from shelterplan.siting.max_cover import max_cover
from shelterplan.standards import AccessStandard

from .region_of import region_of


def best_of(cover, weights, count):
    """Try every plan."""
    sites = range(cover.shape[1])
    return max(
        float(weights[cover[:, list(plan)].any(axis=1)].sum())
        for number in range(min(count, len(sites)) + 1)
        for plan in combinations(sites, number)
    )


@st.composite
def curves(draw):
    """Curves that never fall, some of them concave."""
    gains = draw(st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=4))
    return [np.concatenate([[0.0], np.cumsum(one)]) for one in gains]


@st.composite
def worlds(draw):
    """A few parts that share nothing, up to 9 sites."""
    blocks = []
    for _ in range(draw(st.integers(1, 3))):
        points, sites = draw(st.integers(1, 5)), draw(st.integers(1, 3))
        bits = draw(st.lists(st.booleans(), min_size=points * sites, max_size=points * sites))
        blocks.append(np.array(bits, bool).reshape(points, sites))
    cover = np.asarray(sparse.block_diag(blocks).todense(), bool)
    unit = draw(st.sampled_from([1.0, 0.25, 0.1]))
    people = draw(st.lists(st.integers(0, 50), min_size=len(cover), max_size=len(cover)))
    return cover, np.array(people) * unit


@given(curves(), st.integers(0, 10))
def test_shares_are_the_best(curves, count):
    found = share_out(curves, count)
    assert found.sites.sum() <= count
    assert found.value == sum(curve[n] for curve, n in zip(curves, found.sites, strict=True))
    every = product(*(range(len(curve)) for curve in curves))
    assert found.value == max(
        sum(curve[n] for curve, n in zip(curves, shares, strict=True))
        for shares in every
        if sum(shares) <= count
    )


@settings(max_examples=40)
@given(worlds(), st.integers(0, 7))
def test_parts_give_the_best_plan(world, count):
    cover, weights = world
    found = cover_by_parts(cover, weights, count).result
    best = best_of(cover, weights, count)
    assert found.status == "optimal"
    assert found.objective == pytest.approx(best, rel=2e-6, abs=1e-9)
    assert len(found.selected) <= count
    reached = cover[:, list(found.selected)].any(axis=1)
    assert found.objective == pytest.approx(weights[reached].sum())


@settings(max_examples=30)
@given(worlds())
def test_bounds_hold_for_every_number_of_sites(world):
    cover, weights = world
    matrix = sparse.csr_array(cover.astype(float))
    columns = np.arange(cover.shape[1])
    part = Part(columns, matrix, weights, len(columns))
    for number in [*range(part.most, 0, -2), *range(1, part.most + 1)]:
        before = part.bound.copy()
        part.tighten(number, 10.0, lambda: False)
        assert (part.bound <= before + 1e-9).all()
        for n in range(part.most + 1):
            best = best_of(cover, weights, n)
            assert part.reached[n] <= best + 1e-9
            assert part.bound[n] >= best * (1 - 1e-6) - 1e-9
            covered = cover[:, part.plans[n]].any(axis=1)
            assert part.reached[n] == pytest.approx(weights[covered].sum())


def town(seed, blocks, points=60, sites=14):
    """Draw several towns far apart, in which many sites share demand."""
    rng = np.random.default_rng(seed)
    covers, people = [], []
    for _ in range(blocks):
        home, site = rng.random((points, 2)), rng.random((sites, 2))
        near = ((home[:, None] - site) ** 2).sum(axis=2) < 0.09
        covers.append(sparse.csr_array(near.astype(float)))
        people.append(rng.integers(0, 400, points) / 4)
    return sparse.csr_array(sparse.block_diag(covers)), np.concatenate(people)


@pytest.mark.parametrize(("count", "seed"), [(1, 0), (7, 1), (20, 2), (45, 3)])
def test_the_same_as_undivided(count, seed):
    cover, weights = town(seed, 6)
    parts, whole = cover_by_parts(cover, weights, count), max_cover(cover, weights, count)
    assert whole.optimal
    assert parts.result.optimal
    assert parts.result.objective == pytest.approx(whole.objective, rel=2e-6)
    assert parts.result.bound == parts.result.objective
    assert parts.parts["chosen"].sum() <= count
    assert len(parts.parts) >= 6


def test_only_numbers_that_matter_are_solved():
    cover, weights = town(5, 12)
    found = cover_by_parts(cover, weights, 30)
    assert found.result.optimal
    assert found.parts["solved"].sum() <= 2 * len(found.parts)


def test_a_third_site_may_add_more_than_a_second():
    """The best plans are not nested: two large sites, or three that share out everybody."""
    cover = np.zeros((9, 5), bool)
    cover[[0, 1, 3, 4, 6, 7], 0] = True
    for column, row in enumerate((0, 3, 6), start=1):
        cover[row : row + 3, column] = True
    cover[[0, 3, 6], 4] = True
    weights = np.array([10.0, 10, 9, 10, 10, 9, 10, 10, 9])
    by_count = [cover_by_parts(cover, weights, n).result.objective for n in range(5)]
    assert by_count == [best_of(cover, weights, n) for n in range(5)]
    assert by_count[3] - by_count[2] > by_count[2] - by_count[1]


def test_without_time_there_is_a_plan_and_no_false_proof():
    cover, weights = town(8, 10, points=150, sites=30)
    found = cover_by_parts(cover, weights, 45, time_limit_s=0.0).result
    sure = cover_by_parts(cover, weights, 45, time_limit_s=60.0).result
    assert sure.optimal
    assert found.status.startswith("gap ")
    assert found.objective <= sure.objective <= found.bound
    assert len(found.selected) <= 45


def test_stopped_at_once_it_says_so():
    cover, weights = town(8, 10, points=150, sites=30)
    found = cover_by_parts(cover, weights, 45, stop=lambda: True).result
    assert not found.optimal
    assert found.bound > found.objective > 0


def test_sites_that_share_nothing_are_taken_by_what_they_cover():
    cover = sparse.csr_array(np.eye(5))
    found = cover_by_parts(cover, [3, 9, 0, 5, 9], 3)
    assert found.result.selected == (1, 3, 4)
    assert (found.alone, len(found.parts)) == (4, 0)


def test_nothing_to_choose():
    found = cover_by_parts(np.zeros((3, 2)), [1, 2, 3], 2)
    assert (found.result.selected, found.result.objective) == ((), 0.0)
    assert found.result.optimal
    assert cover_by_parts(np.eye(2), None, 0).result.selected == ()


def test_split_keeps_every_site_and_point():
    cover, weights = town(3, 4)
    used = np.flatnonzero(np.diff(cover.indptr) > 0)
    parts, alone, worth = split(cover[used], weights[used], 10)
    sites = np.concatenate([alone, *(part.sites for part in parts)])
    reached = cover.sum(axis=0) > 0
    assert sorted(sites[reached[sites]]) == np.flatnonzero(reached).tolist()
    assert sum(part.people for part in parts) + worth.sum() == weights[used].sum()


CASES = {
    "wheelchair": (
        Scenario(walker=WALKERS["wheelchair"], room="ignored"),
        AccessStandard(max_distance_m=200),
        3,
    ),
    "landslide": (Scenario(hazard="landslide", room="ignored"), AccessStandard(max_time_s=300), 5),
}


@pytest.fixture(scope="module")
def monaco():
    """Monaco."""
    return StudyArea.open("monaco")


@pytest.fixture(scope="module")
def region(monaco, tmp_path_factory):
    """Monaco in small tiles."""
    return region_of(monaco, tmp_path_factory.mktemp("monaco"), 1600.0)


@pytest.mark.parametrize("case", CASES)
def test_a_region_gets_the_plan_of_the_study_area(monaco, region, tmp_path, case):
    scenario, standard, count = CASES[case]
    parameters = Parameters.of(scenario, standard)
    found = suggest(region.folder, tmp_path, parameters, count, workers=0)
    ground = Ground(monaco, monaco.candidates, scenario, standard, "possible")
    undivided = max_cover(ground.walks, ground.people, count, fixed=ground.fixed)
    before = ground.placed(ground.fixed)
    assert found.divided.result.optimal
    assert undivided.optimal
    assert found.divided.result.objective == pytest.approx(undivided.objective - before, rel=2e-6)
    assert found.covered_after == pytest.approx(undivided.objective, rel=2e-6)
    columns = [*ground.fixed, *ground.whole.shelters.index.get_indexer(found.sites.index)]
    assert found.covered_after == pytest.approx(ground.placed(columns))
    plan = make_plan(monaco.with_sites(found.sites), scenario, standard)
    assert found.share_after == pytest.approx(float(plan.total["reached_share"]))
    gains = found.sites["newly_covered_population"]
    assert (gains.diff().dropna() <= 0).all()
    assert gains.sum() == pytest.approx(found.divided.result.objective)


def test_the_command_tells_the_plan(region, tmp_path):
    asked = [str(region.folder), "--sites", "2", "--distance-m", "150", "--workers", "0"]
    asked += ["--run-folder", str(tmp_path / "run")]
    out = tmp_path / "plan.csv"
    told = CliRunner().invoke(command, [*asked, "--out", str(out)])
    assert told.exit_code == 0, told.output
    assert "Proven: no choice of sites does better (" in told.output
    assert "OpenStreetMap" in told.output
    plan = json.loads(CliRunner().invoke(command, [*asked, "--json"]).stdout)
    assert plan["tiles_done"] == plan["tiles_total"] == len(region.tiles)
    assert (plan["status"], len(plan["sites"])) == ("optimal", 2)
    assert plan["coverage_share_after"] > plan["coverage_share_before"]
    assert plan["sites"][0]["site_id"] in out.read_text("utf-8-sig")
    assert "OpenStreetMap" in out.read_text("utf-8-sig")
    assert out.read_text("utf-8-sig").startswith("site_id,name,")


def test_refused_candidates_are_counted_where_nobody_lives_too(monaco, tmp_path):
    scenario, standard, count = CASES["landslide"]
    parameters = Parameters.of(scenario, standard)
    empty = replace(monaco, demand=monaco.demand.iloc[:300])
    found = [
        suggest(region_of(empty, tmp_path / name, side).folder, None, parameters, count, workers=0)
        for name, side in (("whole", 1e6), ("tiles", 1200.0))
    ]
    assert found[0].refused.sum() > 0
    assert found[1].refused.to_dict() == found[0].refused.to_dict()


def test_a_damaged_tile_is_told(monaco, tmp_path):
    broken = region_of(monaco, tmp_path / "region", 2500.0)
    part = next(part for (table, _), part in broken.parts.items() if table == "demand")
    (broken.folder / part.file).write_bytes(b"no parquet")
    told = CliRunner().invoke(
        command, [str(broken.folder), "--sites", "2", "--distance-m", "150", "--workers", "0"]
    )
    assert told.exit_code == 1
    assert f"{len(broken.tiles) - 1} of {len(broken.tiles)} tiles" in told.output
    assert "in the tiles that were computed" in told.output
    assert part.file in told.output


def test_a_site_that_is_too_large_is_refused(monaco, tmp_path):
    large = monaco.candidates.assign(
        geometry=[
            monaco.candidates.geometry.iloc[0].centroid.buffer(0.05),
            *monaco.candidates.geometry.iloc[1:],
        ]
    )
    broken = region_of(replace(monaco, candidates=large), tmp_path / "region", 1e6)
    parameters = Parameters.of(Scenario(), AccessStandard())
    found = suggest(broken.folder, None, parameters, 1, workers=0)
    assert "divide it into several sites" in found.outcome.quarantined["error"].iloc[0]
