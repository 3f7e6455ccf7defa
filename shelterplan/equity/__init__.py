"""How access differs between areas and groups of people.

`by_district` and `by_community` tell what people have in each area, `left_out` which groups have no
place, `inequality` how unequally one thing is shared out, with intervals. `measures` takes an
analysis and returns its measures in one table, `changes` compares two, and `changes_by_area` their
districts or communities. The measures themselves take arrays, each weighted by people: `gini`,
`lorenz_curve`, `palma_ratio`, `theil_t`, `concentration_index`, `fgt_poverty`, with
`bootstrap_interval` for any of them.

One rule for all of them. A row without people counts for nothing, whatever else it holds. In a row
with people, an unknown or negative value is an error that names the row. Where nobody has anything
there is nothing to share out: the measure is NaN, not "equal". And `inf`, a place without any way
to a shelter, is never dropped: a mean of such walks does not exist, so measures built on one are
NaN, and `unreachable_share` says why; `fgt_poverty` counts them, and `as_access` turns walks into
something of which every measure exists.
"""

from shelterplan.equity.areas import by_community, by_district, changes_by_area
from shelterplan.equity.groups import left_out
from shelterplan.equity.inequality import (
    Theil,
    concentration_index,
    gini,
    lorenz_curve,
    palma_ratio,
    theil_t,
)
from shelterplan.equity.interval import Interval, bootstrap_interval
from shelterplan.equity.of_plan import changes, measures
from shelterplan.equity.people import people_of
from shelterplan.equity.shortfall import as_access, fgt_poverty, unreachable_share
from shelterplan.equity.unequal import Inequality, inequality

__all__ = [
    "Inequality",
    "Interval",
    "Theil",
    "as_access",
    "bootstrap_interval",
    "by_community",
    "by_district",
    "changes",
    "changes_by_area",
    "concentration_index",
    "fgt_poverty",
    "gini",
    "inequality",
    "left_out",
    "lorenz_curve",
    "measures",
    "palma_ratio",
    "people_of",
    "theil_t",
    "unreachable_share",
]
