"""OR-Library's format of p-median problems (Beasley 1990): read, write, and made-up graphs in it.

First line: nodes, edges, medians. Then a line for each edge: its two nodes, from 1, and its cost.
An edge goes both ways; where a pair of nodes is repeated, its last cost counts. What one node pays
at another is the cheapest path between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra


@dataclass(frozen=True)
class Graph:
    """A p-median problem on a graph."""

    nodes: int
    medians: int
    edges: np.ndarray
    """Node, node (from 0) and cost, in the order of the file, shape (edges, 3)."""


def read(path: str | Path) -> Graph:
    """Read a file; whatever its numbers' line breaks."""
    numbers = np.array(Path(path).read_text(encoding="ascii").split(), np.int64)
    if numbers.size < 3 or numbers.size != 3 + 3 * numbers[1]:
        message = f"{path}: {numbers.size} numbers do not make a graph of nodes, edges, medians"
        raise ValueError(message)
    nodes, edges, medians = numbers[:3]
    table = numbers[3:].reshape(edges, 3) - (1, 1, 0)
    if edges and (table[:, :2].min() < 0 or table[:, :2].max() >= nodes):
        message = f"{path}: an edge names a node outside 1 to {nodes}"
        raise ValueError(message)
    return Graph(int(nodes), int(medians), table)


def write(graph: Graph, path: str | Path) -> None:
    """Write a file."""
    head = f" {graph.nodes} {len(graph.edges)} {graph.medians}\n"
    lines = [f" {a + 1} {b + 1} {cost}\n" for a, b, cost in graph.edges.tolist()]
    Path(path).write_text(head + "".join(lines), encoding="ascii")


def costs(graph: Graph) -> np.ndarray:
    """Return the cheapest path from each node to each, shape (nodes, nodes); `inf`: none."""
    last = {(min(a, b), max(a, b)): cost for a, b, cost in graph.edges.tolist()}
    pairs = np.array(list(last), np.int64).reshape(-1, 2)
    links = sparse.csr_array(
        (np.array(list(last.values()), float), (pairs[:, 0], pairs[:, 1])),
        shape=(graph.nodes, graph.nodes),
    )
    return dijkstra(links, directed=False)


def made_up(nodes: int, medians: int, *, seed: int, most: int = 100) -> Graph:
    """Make a connected graph: a way through all nodes, then random pairs, nodes^2 / 50 edges."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(nodes)
    way = np.column_stack([order[:-1], order[1:]])
    more = max(0, nodes * nodes // 50 - len(way))
    first = rng.integers(0, nodes, more)
    second = (first + rng.integers(1, nodes, more)) % nodes
    pairs = np.vstack([way, np.column_stack([first, second])])
    return Graph(nodes, medians, np.column_stack([pairs, rng.integers(1, most + 1, len(pairs))]))
