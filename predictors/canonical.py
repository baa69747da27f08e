"""The canonical form of a graph: what computes, and nothing else, in an order that isomorphic graphs share.

Most cells need no search for that order: their nodes differ in depth, operation or attributes, or those that do not are
interchangeable. nauty (McKay and Piperno, "Practical graph isomorphism II", 2014) orders the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import accumulate, pairwise
from types import SimpleNamespace
from typing import Any, NamedTuple

from predictors.graph import CONCAT, IDENTITY_OPS, NONE_OPS, OUTPUT, SUM, Attributes, is_input

Edges = tuple[tuple[int, int], ...]
Fields = tuple[tuple[str, ...], Edges, Attributes, tuple[int, ...]]

_INPUT, _INNER, _OUTPUT, _NONE, _IDENTITY, _CONCAT = range(6)


class Reduced(NamedTuple):
    """What of a graph computes. Flat, since many are kept, and every tuple costs the garbage collector time.

    Attributes:
        nodes: Those that stay, in topological order.
        places: Of each, in the order of roles.
        depths: Of each.
        sums: Whether each becomes a sum.
        sources: Where each edge begins, repeated ones among them.
        targets: Where it ends.
    """

    nodes: tuple[int, ...]
    places: tuple[int, ...]
    depths: tuple[int, ...]
    sums: tuple[bool, ...]
    sources: tuple[int, ...]
    targets: tuple[int, ...]


def canonical_fields(ops: tuple[str, ...], edges: Edges, attributes: Attributes, cell: tuple[int, ...]) -> Fields:
    """The fields of `ArchGraph.canonical()` from those of a valid graph."""
    reduced = _reduced(tuple(map(_role, ops)), edges)
    kept = zip(reduced.nodes, reduced.places, reduced.depths, reduced.sums, strict=True)
    keyed: list[tuple[tuple[Any, ...], int]]
    if cell or attributes:
        keyed = [
            ((cell[k] if cell else 0, place, depth, SUM if is_sum else ops[k], *[col[k] for _, col in attributes]), k)
            for k, place, depth, is_sum in kept
        ]
    else:
        keyed = [((0, place, depth, SUM if is_sum else ops[k]), k) for k, place, depth, is_sum in kept]
    keyed.sort()
    position = {k: p for p, (_, k) in enumerate(keyed)}
    arriving = zip(reduced.sources, reduced.targets, strict=True)
    edges = tuple(sorted([(position[i], position[k]) for i, k in arriving]))
    keys = tuple([key for key, _ in keyed])
    ties = [p for p, (key, following) in enumerate(pairwise(keys)) if key == following]
    labels = tuple([key[3] for key in keys])
    if ties and not _interchangeable(ties, edges, len(keys)):
        colours = labels if not (cell or attributes) else tuple([(key[0], *key[3:]) for key in keys])
        groups = tuple(accumulate([key != following for key, following in pairwise(keys)], initial=0))
        edges = _ordered_by_nauty(groups, colours, edges)
    return (
        labels,
        edges,
        tuple([(name, tuple([key[4 + a] for key in keys])) for a, (name, _) in enumerate(attributes)]),
        tuple([key[0] for key in keys]) if cell else (),
    )


@cache
def _role(op: str) -> int:
    if is_input(op):
        return _INPUT
    if op == OUTPUT:
        return _OUTPUT
    if op in NONE_OPS:
        return _NONE
    if op == CONCAT:
        return _CONCAT
    return _IDENTITY if op in IDENTITY_OPS else _INNER


@lru_cache(maxsize=1 << 13)  # architectures of a space differ in their operations more than in what these do
def _reduced(kinds: tuple[int, ...], edges: Edges) -> Reduced:
    """What computes, of roles and edges.

    Args:
        kinds: The role of each node.
        edges: Sorted.
    """
    roles = list(kinds)
    depth = [0] * len(roles)
    nodes = []
    sources: list[int] = []
    targets: list[int] = []
    for k, inputs in _inputs_of(roles, edges):
        if inputs:
            depth[k] = 1 + max([depth[i] for i in inputs])
            sources += inputs
            targets += [k] * len(inputs)
        nodes.append(k)
    places = [roles[k] if roles[k] < _NONE else _INNER for k in nodes]
    sums = [roles[k] == _IDENTITY for k in nodes]
    depths = [depth[k] for k in nodes]
    return Reduced(tuple(nodes), tuple(places), tuple(depths), tuple(sums), tuple(sources), tuple(targets))


def _inputs_of(roles: list[int], edges: Edges) -> list[tuple[int, list[int]]]:
    """The nodes that stay and what each sums or concatenates, in topological order.

    Dead nodes go, and so do identities, unless a concatenation takes their sum. A concatenation of one thing becomes an
    identity in `roles`.
    """
    nodes = range(len(roles))
    reached = [role == _INPUT for role in roles]
    before: list[list[int]] = [[] for _ in nodes]
    for i, j in edges:  # sorted by i, so every edge into i was seen before
        if reached[i] and roles[j] != _NONE:
            reached[j] = True
            before[j].append(i)
    live = [role == _OUTPUT for role in roles]
    for k in reversed(nodes):
        if live[k]:
            for i in before[k]:
                live[i] = True
    # What each node brings to a sum: itself, or, for an identity, what that identity sums.
    terms: list[list[int]] = [[]] * len(roles)
    inputs_of = terms[:]
    stays = live[:]
    for k in nodes:
        role, sources = roles[k], before[k]
        if not live[k]:
            stays[k] = role == _INPUT
            continue
        if role == _CONCAT and len(sources) > 1:
            inputs = [terms[i][0] if len(terms[i]) == 1 else i for i in sources]
            for i in inputs:
                stays[i] = True
        else:
            inputs = terms[sources[0]] if len(sources) == 1 else [term for i in sources for term in terms[i]]
            if role == _CONCAT:
                role = roles[k] = _IDENTITY
        inputs_of[k] = inputs
        if role == _IDENTITY:
            stays[k], terms[k] = False, inputs
        else:
            terms[k] = [k]
    return [(k, inputs_of[k]) for k in nodes if stays[k]]


def _interchangeable(ties: Sequence[int], edges: Edges, n: int) -> bool:
    """Whether nodes `p` and `p + 1` of each tie take the same and feed the same, so that their order does not show."""
    before: list[list[int]] = [[] for _ in range(n)]
    after: list[list[int]] = [[] for _ in range(n)]
    for i, j in edges:
        before[j].append(i)
        after[i].append(j)
    return all(before[p] == before[p + 1] and after[p] == after[p + 1] for p in ties)


@lru_cache(maxsize=1 << 14)  # a list of architectures meets the same reduced graph under many names
def _ordered_by_nauty(groups: tuple[int, ...], colours: tuple[Any, ...], edges: Edges) -> Edges:
    """The edges after the nodes of equal keys, those of a group, were put in nauty's order.

    Args:
        groups: Of each node, ascending.
        colours: Of each node, what its key says beside its place and depth.
        edges: Sorted.
    """
    rank = _canonical_rank(colours, edges)
    order = sorted(range(len(groups)), key=list(zip(groups, rank, strict=True)).__getitem__)
    position = {p: q for q, p in enumerate(order)}
    return tuple(sorted([(position[i], position[j]) for i, j in edges]))


def _canonical_rank(colours: Sequence[Any], edges: Edges) -> list[int]:
    """Each node's position in nauty's canonical labelling of the coloured graph.

    nauty knows no multiple edges: a repeated edge becomes a middle node coloured by its multiplicity.
    """
    from pynauty import nautywrap

    classes: dict[Any, set[int]] = {}
    for k, colour in enumerate(colours):
        if colour in classes:
            classes[colour].add(k)
        else:
            classes[colour] = {k}
    total = len(colours)
    adjacency: dict[int, list[int]] = {k: [] for k in range(total)}
    middles: dict[int, set[int]] = {}
    if len(set(edges)) == len(edges):
        for i, j in edges:
            adjacency[i].append(j)
    else:
        for (i, j), multiplicity in Counter(edges).items():
            if multiplicity == 1:
                adjacency[i].append(j)
            else:
                middles.setdefault(multiplicity, set()).add(total)
                adjacency[i].append(total)
                adjacency[total] = [j]
                total += 1
    # What `pynauty.canon_label` asks of a `pynauty.Graph`, whose constructor checks for longer than nauty works.
    coloured = SimpleNamespace(
        number_of_vertices=total,
        directed=True,
        adjacency_dict=adjacency,
        vertex_coloring=[*(classes[colour] for colour in sorted(classes)), *(middles[m] for m in sorted(middles))],
    )
    rank = [0] * total
    for position, vertex in enumerate(nautywrap.graph_canonlab(coloured)):
        rank[vertex] = position
    return rank[: len(colours)]
