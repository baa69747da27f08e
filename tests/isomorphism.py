"""The oracle of the canonical form: graph rewriting with networkx and its isomorphism test.

Nothing here calls `ArchGraph.canonical`; the rules are those of the design, applied one by one to a graph whose nodes
carry `label` and whose edges carry `times`.
"""

from __future__ import annotations

from collections.abc import Mapping

import networkx as nx

from predictors.graph import ArchGraph


def coloured_graph(graph: ArchGraph) -> nx.DiGraph:
    """The graph as it stands: `label` is `(cell, operation, attributes...)`."""
    raw = nx.DiGraph()
    for k, op in enumerate(graph.ops):
        raw.add_node(k, label=(graph.cells[k], op, *(column[k] for _, column in graph.attributes)))
    for i, j in graph.edges:
        _add(raw, i, j, 1)
    return raw


def edge_labelled_cell(ops: Mapping[tuple[int, int], str]) -> nx.DiGraph:
    """A cell with an operation on each edge `(i, j)`, as NAS-Bench-201 defines it: node j sums what its edges bring."""
    last = max(j for _, j in ops)
    raw = nx.DiGraph()
    for k in range(last + 1):
        raw.add_node(k, label=(0, "input" if k == 0 else "output" if k == last else "add"))
    for (i, j), op in ops.items():
        raw.add_node((i, j), label=(0, op))
        _add(raw, i, (i, j), 1)
        _add(raw, (i, j), j, 1)
    return raw


def reduced(raw: nx.DiGraph) -> nx.DiGraph:
    """Removes what carries no signal, then rewrites identities away wherever the merge is a sum."""
    g = raw.copy()
    op = {k: data["label"][1] for k, data in g.nodes(data=True)}
    inputs = {k for k in g if op[k].startswith("input")}
    outputs = {k for k in g if op[k] == "output"}
    g.remove_nodes_from([k for k in g if op[k] in ("none", "zero")])
    _remove_dead(g, inputs, outputs)
    for k in g:
        if op[k] == "concat" and g.in_degree(k, weight="times") == 1:  # a concatenation of one thing is that thing
            op[k] = "identity"
    for k in nx.topological_sort(raw):
        if k in g and op[k] in ("add", "skip_connect", "identity"):
            takes = [(i, data["times"]) for i, _, data in g.in_edges(k, data=True)]
            is_sum = sum(times for _, times in takes) > 1
            for j in [j for j in g.successors(k) if not (is_sum and op[j] == "concat")]:
                for i, times in takes:
                    _add(g, i, j, times * g.edges[k, j]["times"])
                g.remove_edge(k, j)
            cell, _, *attributes = g.nodes[k]["label"]
            g.nodes[k]["label"] = (cell, "add", *attributes)
    _remove_dead(g, inputs, outputs)
    return g


def isomorphic(a: nx.DiGraph, b: nx.DiGraph) -> bool:
    """Whether two reduced graphs are the same but for the names of their nodes."""
    return bool(
        nx.is_isomorphic(
            a,
            b,
            node_match=lambda x, y: x["label"] == y["label"],
            edge_match=lambda x, y: x["times"] == y["times"],
        )
    )


def degree_profile(g: nx.DiGraph) -> tuple[tuple[object, ...], ...]:
    """A cheap invariant: equal for isomorphic graphs, and often for others."""
    return tuple(sorted((*data["label"], g.in_degree(k), g.out_degree(k)) for k, data in g.nodes(data=True)))


def _add(g: nx.DiGraph, i: object, j: object, times: int) -> None:
    g.add_edge(i, j, times=times + g.get_edge_data(i, j, {"times": 0})["times"])


def _remove_dead(g: nx.DiGraph, inputs: set[object], outputs: set[object]) -> None:
    alive_forward = inputs.union(*(nx.descendants(g, k) for k in inputs))
    alive_backward = outputs.union(*(nx.ancestors(g, k) for k in outputs))
    g.remove_nodes_from([k for k in g if k not in inputs | outputs and k not in alive_forward & alive_backward])
