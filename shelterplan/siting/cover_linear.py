"""Maximal covering as a linear model, and its best prices from a part of the sites at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from shelterplan.siting.cover_bound import Bound, descend, evaluate
from shelterplan.siting.cover_search import Cover, Limits
from shelterplan.siting.highs import Model, Solved, solve
from shelterplan.siting.reduce import Merged, merge_rows
from shelterplan.siting.watch import Watch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shelterplan.siting.cover_search import Columns, Floats
    from shelterplan.siting.problem import Sparse

GRACE_S = 0.15
"""How long HiGHS may go on after its time [s]; then it is left alone, and its bound is lost."""
MARGIN_S = 0.05
"""HiGHS is told to end so much earlier [s]."""
PER_SITE = 6
"""The first linear program has so many candidates for each site to choose."""
SPREAD = 4
"""Each further one has up to so many more."""


def cover_model(
    cover: Sparse,
    weights: Floats,
    limits: Limits,
    *,
    whole: bool,
    sure: NDArray[np.bool_] | None = None,
    site_value: Floats | None = None,
) -> Model:
    """Return the model: most ``sum w_i z_i + sum v_j y_j``, each point covered by a chosen site.

    Columns are the sites, then those demand points that more than one site covers: what a single
    one covers is counted with that site. Rows are these points, then the limits.

    Parameters
    ----------
    cover : sparse array, shape (demand, sites)
        Which sites cover which demand points; no empty rows.
    weights : array, shape (demand,)
        What covering each is worth.
    limits : Limits
        What may be chosen together.
    whole : bool
        Whether sites can only be chosen whole.
    sure : array of bool, shape (sites,), optional
        Sites that must be chosen.
    site_value : array, shape (sites,), optional
        What choosing each site is worth by itself.
    """
    sites = cover.shape[1]
    several = np.diff(cover.indptr) > 1
    shared = cover[several]
    points = shared.shape[0]
    value = np.zeros(sites) if site_value is None else site_value.copy()
    lone = cover[~several]
    value += np.bincount(lone.indices, weights[~several], minlength=sites)
    blocks = [sparse.hstack([-shared, sparse.eye_array(points)])]
    upper = [np.zeros(points)]
    for factor, most in ((np.ones(sites), limits.most), (limits.costs, limits.budget)):
        if np.isfinite(most) and factor.sum() > most:
            row = np.concatenate([factor, np.zeros(points)])[None, :]
            blocks.append(sparse.csr_array(row))
            upper.append(np.array([float(most)]))
    rows = sparse.csr_array(sparse.vstack(blocks))
    return Model(
        objective=np.concatenate([value, weights[several]]),
        rows=rows,
        row_lower=np.full(rows.shape[0], -np.inf),
        row_upper=np.concatenate(upper),
        column_lower=np.concatenate(
            [np.zeros(sites) if sure is None else sure.astype(float), np.zeros(points)]
        ),
        column_upper=np.ones(sites + points),
        whole=np.arange(sites + points) < (sites if whole else 0),
        sense="most",
    )


def solve_in_time(
    model: Model,
    watch: Watch,
    *,
    start: Floats | None = None,
    limit_s: float = np.inf,
    absolute_gap: float = 1e-6,
    options: dict[str, object] | None = None,
) -> Solved:
    """Solve a model, and be back in time even where HiGHS does not hear."""
    limit_s = max(min(limit_s, watch.left_s - MARGIN_S), 0.02)
    begun = watch.seconds
    patience = Watch(
        limit_s, stop=lambda: watch.stopped or watch.seconds > begun + limit_s + GRACE_S
    )
    return solve(model, patience, start=start, absolute_gap=absolute_gap, options=options)


def solve_sites(
    cover: Sparse,
    weights: Floats,
    limits: Limits,
    start: Columns,
    watch: Watch,
    *,
    sure: NDArray[np.bool_] | None = None,
    limit_s: float = np.inf,
    absolute_gap: float = 1e-6,
    options: dict[str, object] | None = None,
    model: Model | None = None,
) -> tuple[Columns, float, Solved]:
    """Solve the model of whole sites from a plan; return the best columns, the bound, the rest.

    `model` is the model if it is made already, then without the sites that are `sure`.
    """
    if model is None:
        model = cover_model(cover, weights, limits, whole=True)
    if sure is not None:
        least = model.column_lower.copy()
        least[: len(sure)] = sure
        model = replace(model, column_lower=least)
    chosen = np.zeros(cover.shape[1])
    chosen[start] = 1.0
    several = np.diff(cover.indptr) > 1
    values = np.concatenate([chosen, (cover[several] @ chosen > 0).astype(float)])
    solved = solve_in_time(
        model,
        watch,
        start=values,
        limit_s=limit_s,
        absolute_gap=absolute_gap,
        options=options,
    )
    if solved.values is None:
        return start, solved.bound, solved
    found = np.flatnonzero(solved.values[: cover.shape[1]] > 0.5)
    return (found if limits.allow(found) else start), solved.bound, solved


class Linear(NamedTuple):
    """The linear program without whole sites, as far as it was solved."""

    bound: Bound
    columns: Columns
    """Sites that it was given last."""
    shares: Floats
    """How much of each was chosen, shape (columns,)."""
    finished: bool
    """Whether no other site would make it better."""


def linear_bound(
    cover: Sparse,
    both: Cover,
    limits: Limits,
    bound: Bound,
    plan: Columns,
    watch: Watch,
    *,
    enough: float,
    limit_s: float = np.inf,
) -> Linear:
    """Lower a bound to that of the linear program, from a few sites at first.

    Of the sites that are worth most at the given prices a linear program is made, in which most
    demand points fall away or together. HiGHS' interior point method (no crossover: prices are
    wanted, not a corner) gives new prices; every bound is worked out anew over all sites, and sites
    that these prices make too worthy come in, until there are none: column generation (Gilmore and
    Gomory 1961).
    """
    end = watch.seconds + limit_s
    best, prices = bound, bound
    columns = np.union1d(_worthiest(bound, limits, PER_SITE * len(plan)), plan)
    shares, finished = np.zeros(len(columns)), False
    while not finished and min(watch.left_s, end - watch.seconds) > MARGIN_S:
        merged = merge_rows(cover[:, columns], both.weights)
        solved = solve_in_time(
            cover_model(merged.cover, merged.weights, limits.of_columns(columns), whole=False),
            watch,
            limit_s=end - watch.seconds,
            options={"solver": "ipm", "run_crossover": "off"},
        )
        if not solved.optimal or solved.values is None:
            break
        shares = solved.values[: len(columns)]
        prices = evaluate(both, limits, _spread(merged, solved, both.weights, prices.prices))
        if prices.value < best.value:
            best = prices
        outside = np.setdiff1d(_too_worthy(prices, limits), columns)
        finished = not len(outside) or best.value < solved.objective + enough
        if not finished:
            more = _worthiest(prices, limits, SPREAD * len(plan), outside)
            polished = descend(
                both, limits, prices, reached=solved.objective, iterations=100, length=0.05
            )
            prices = polished.bound
            best = min(best, prices, key=lambda found: found.value)
            grown = np.union1d(columns, more)
            kept = np.zeros(len(grown))
            kept[np.searchsorted(grown, columns)] = shares
            columns, shares = grown, kept
    return Linear(best, columns, shares, finished)


def _too_worthy(bound: Bound, limits: Limits) -> Columns:
    return np.flatnonzero(bound.surplus(limits.costs) > 1e-5 * bound.worth + 1e-9)


def _worthiest(bound: Bound, limits: Limits, number: int, among: Columns | None = None) -> Columns:
    """Return the sites whose worth is most above their price, or least below it."""
    surplus = bound.surplus(limits.costs)
    sites = np.arange(len(surplus)) if among is None else among
    return np.sort(sites[np.argsort(-surplus[sites], kind="stable")[:number]])


def _spread(merged: Merged, solved: Solved, weights: Floats, last: Floats) -> Floats:
    """Return a price for each demand point from those of points put together, near the last ones.

    Points that none of the sites covers keep theirs.
    """
    group = merged.group
    several = np.diff(merged.cover.indptr) > 1
    price = merged.weights.copy()
    price[several] = np.clip(np.abs(solved.row_duals[: several.sum()]), 0.0, price[several])
    inside = group >= 0
    at = group[inside]
    had = np.bincount(at, last[inside], minlength=len(price))
    room = np.bincount(at, (weights - last)[inside], minlength=len(price))
    lower = last[inside] * (price / np.maximum(had, 1e-12))[at]
    rise = (weights - last)[inside] * ((merged.weights - price) / np.maximum(room, 1e-12))[at]
    found = last.copy()
    found[inside] = np.where((price <= had)[at], lower, weights[inside] - rise)
    return np.clip(found, 0.0, weights)
