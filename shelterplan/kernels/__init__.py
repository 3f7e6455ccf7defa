"""Shortest-path searches over arcs in CSR form, with whole numbers as costs.

All three searches are near-far variants of delta-stepping on one thread (Meyer and Sanders 2003):
nodes below the current threshold are scanned in any order, the others wait. A node waits at most
once in either queue, so a search needs a fixed memory. A key packs a cost into the upper and a
label into the lower 32 bits of one uint64: comparing keys compares costs first and breaks ties
towards the smallest label, so that the result does not depend on the order of the scan. None of the
searches holds the interpreter's lock.

Costs stay below 2**31 (in millimetres 2,147 km), so that no sum can wrap around; a path that would
be longer is left out and reported in `clipped`.
"""

from shelterplan.kernels.assign import cheapest_flow, first_come
from shelterplan.kernels.common import MAX_COST, UNREACHED, arcs, group
from shelterplan.kernels.edge_grid import EdgeGrid
from shelterplan.kernels.ranked import k_nearest, merge_k
from shelterplan.kernels.reach import catchments, distribute, tally
from shelterplan.kernels.single import along, follow, nearest
from shelterplan.kernels.switches import ENDLESS

__all__ = [
    "ENDLESS",
    "MAX_COST",
    "UNREACHED",
    "EdgeGrid",
    "along",
    "arcs",
    "catchments",
    "cheapest_flow",
    "distribute",
    "first_come",
    "follow",
    "group",
    "k_nearest",
    "merge_k",
    "nearest",
    "tally",
]
