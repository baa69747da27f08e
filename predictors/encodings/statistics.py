"""Statistics of what signal meets on its way through a cell, from inputs to outputs.

Architectures differ less by what they hold than by what lies between their inputs and their outputs: the shortest way
through a cell, in convolutions, says more about its accuracy than any count. All statistics are worked out on canonical
forms, so isomorphic graphs have equal ones, and for whole batches at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from predictors.encodings.cells import CellBatch, Vocabulary, cell_batches
from predictors.graph import ArchGraph, GraphError

Array = NDArray[np.float64]
Columns = dict[str, Array]
Codes = NDArray[np.uint64]

_MOST = 1e100
"""A chain of n skips has 2^n paths."""


class GraphStatistics:
    """Turns graphs into one vector of statistics each.

    For every kind of node (each operation, all convolutions, all operations, and each attribute, which counts its nodes
    by its values), of the number of such nodes met on the way from an input to the output of a cell:

    - `min`, `max`: over all paths; `without` is log(1 + number of paths that meet none).
    - `walk`: the mean over walks from the output that choose among a node's inputs at random.

    Besides:

    - `convolutions`: log(1 + number of paths with k convolutions), for each k.
    - `operations`: how often each occurs, the depth in operations, and log(1 + number of paths).
    - `through`: log(1 + number of paths through the nodes of each operation).
    - `width`: of each operation, the sum and the sum of squares over its nodes of the share of the output's channels
      that a node's channels make up, where a concatenation splits them among its inputs; the numbers of edges, of
      operations and of what concatenations take.
    - `ends`: how often each label follows an input or stands before the output, and before the output or a
      concatenation.
    - `before`, `after`: how often each label occurs with each multiset of labels before it, or after it: one round of
      Weisfeiler and Lehman's relabelling (Shervashidze et al., JMLR 2011, sec. 3.1), with and against the edges.

    What is the same in all graphs of `fit` makes no column of its own: how far a graph is from them there, as a
    Euclidean norm, is one last column of each statistic.

    Attributes:
        labels_: Labels of nodes known, sorted.
        attributes_: Names of the attributes known, sorted.
        most_convolutions_: The largest number of convolutions on a path, by cell.
        codes_: Codes of the labels of `before` and `after`, ascending, by cell.
        constant_: The first graph's columns.
        varies_: Which columns differ between the graphs of `fit`.
        statistics_: The statistic of each column before any is left out.
        names_: The statistic of each column, `(d,)`; those of the norms last.
    """

    labels_: tuple[str, ...]
    attributes_: tuple[str, ...]
    most_convolutions_: tuple[int, ...]
    codes_: tuple[tuple[Codes, Codes], ...]
    constant_: Array
    varies_: NDArray[np.bool_]
    statistics_: tuple[str, ...]
    names_: tuple[str, ...]

    def fit(self, graphs: Iterable[ArchGraph]) -> Self:
        """Learns the columns; see `fit_transform`."""
        self.fit_transform(graphs)
        return self

    def fit_transform(self, graphs: Iterable[ArchGraph]) -> Array:
        """Learns the columns and returns the statistics, `(n_graphs, d)`.

        Raises:
            GraphError: When there is no graph, or some but not all have an attribute.
        """
        forms = [graph.canonical() for graph in graphs]
        if not forms:
            raise GraphError("an encoder needs at least one graph, but got none.")
        self.labels_ = tuple(sorted({op for form in forms for op in form.ops}))
        self.attributes_ = tuple(sorted({name for form in forms for name, _ in form.attributes}))
        cells = self._read(forms, 1 + max(form.cells[-1] for form in forms))
        self.most_convolutions_ = tuple(max(_most_convolutions(found) for _, found, _ in cell) for cell in cells)
        self.codes_ = tuple(
            (
                np.unique(np.concatenate([before.ravel() for _, _, (before, _) in cell])),
                np.unique(np.concatenate([after.ravel() for _, _, (_, after) in cell])),
            )
            for cell in cells
        )
        found = self._columns(cells, len(forms))
        columns = np.hstack(list(found.values()))
        self.statistics_ = tuple(name for name, each in found.items() for _ in range(each.shape[1]))
        self.constant_ = columns[0].copy()
        self.varies_ = (columns != columns[0]).any(axis=0)
        kept = [name for name, varies in zip(self.statistics_, self.varies_, strict=True) if varies]
        self.names_ = (*kept, *found)
        return self._compressed(columns)

    def transform(self, graphs: Iterable[ArchGraph]) -> Array:
        """Statistics, `(n_graphs, d)`.

        Raises:
            GraphError: When a graph lacks an attribute, or has a cell too many.
        """
        forms = [graph.canonical() for graph in graphs]
        if any(form.cells[-1] >= len(self.codes_) for form in forms):
            raise GraphError(f"a graph has more cells than the {len(self.codes_)} that the encoder was fitted on.")
        found = self._columns(self._read(forms, len(self.codes_)), len(forms))
        return self._compressed(np.hstack(list(found.values())))

    def _compressed(self, columns: Array) -> Array:
        strange = np.where(self.varies_, 0.0, columns - self.constant_) ** 2
        names = list(dict.fromkeys(self.statistics_))
        owner = np.array([names.index(name) for name in self.statistics_])
        norms = [np.sqrt(strange[:, owner == k].sum(axis=1)) for k in range(len(names))]
        return np.column_stack([columns[:, self.varies_], *norms])

    def _read(self, forms: Sequence[ArchGraph], n_cells: int) -> list[_Cell]:
        """What each batch of each cell holds."""
        vocabulary = Vocabulary(self.labels_)
        return [
            [
                (which, cell_statistics(batch, vocabulary), neighbourhoods(batch, vocabulary))
                for which, batch in cell_batches(forms, cell, vocabulary, self.attributes_)
            ]
            for cell in range(n_cells)
        ]

    def _columns(self, cells: Sequence[_Cell], n: int) -> Columns:
        """All columns of each statistic, cell after cell; zeros for a graph that lacks the cell."""
        blocks: dict[str, list[Array]] = {}
        for cell, most, known in zip(cells, self.most_convolutions_, self.codes_, strict=True):
            placed: Columns = {}
            for which, found, coded in cell:
                found = found | {"convolutions": _clipped(found["convolutions"], most)}
                (before, after), (known_before, known_after) = coded, known
                found |= {"before": _counts(before, known_before), "after": _counts(after, known_after)}
                for name, columns in found.items():
                    placed.setdefault(name, np.zeros((n, columns.shape[1])))[which] = columns
            for name, columns in placed.items():
                blocks.setdefault(name, []).append(columns)
        return {name: np.hstack(each) for name, each in blocks.items()}


_Cell = list[tuple[NDArray[np.intp], Columns, tuple[Codes, Codes]]]


def cell_statistics(batch: CellBatch, vocabulary: Vocabulary) -> Columns:
    """Each statistic of each cell but `before` and `after`, `(n, k)` each; `convolutions` has one column per node."""
    labels, edges, nodes = batch.labels, batch.edges, batch.nodes
    n, v = labels.shape
    computes = vocabulary.computes[labels] & nodes
    convolves = vocabulary.convolves[labels] & nodes
    inputs = vocabulary.inputs[labels] & nodes
    concatenates = vocabulary.concatenates[labels]
    one_hot = np.zeros((n, v, len(vocabulary)))
    np.put_along_axis(one_hot, labels[..., None], nodes[..., None].astype(np.float64), axis=2)
    operations = one_hot[..., vocabulary.computes]
    known = one_hot[..., vocabulary.computes & vocabulary.known]
    kinds = np.concatenate(
        [known, convolves[..., None], computes[..., None], batch.attributes * computes[..., None]], axis=2
    )
    fan_in = edges.sum(axis=1)
    paths = inputs.astype(np.float64)
    least, most, walk = (np.zeros(kinds.shape) for _ in range(3))
    without = np.repeat(paths[..., None], kinds.shape[2], axis=2)
    lengths = np.zeros((n, v, v + 1))
    lengths[..., 0] = paths
    depth = np.zeros((n, v))
    for k in range(1, v):
        arriving, here = edges[:, :k, k], kinds[:, k]
        taken = fan_in[:, k]
        linked = arriving > 0.0
        some = taken > 0.0
        paths[:, k] += np.minimum((arriving * paths[:, :k]).sum(axis=1), _MOST)
        depth[:, k] = np.where(linked, depth[:, :k], 0.0).max(axis=1) + (computes[:, k] & some)
        gate = some[:, None]
        least[:, k] = np.where(linked[..., None], least[:, :k], np.inf).min(axis=1)
        least[:, k] = np.where(gate, least[:, k], 0.0) + here * gate
        most[:, k] = np.where(linked[..., None], most[:, :k], -np.inf).max(axis=1)
        most[:, k] = np.where(gate, most[:, k], 0.0) + here * gate
        walk[:, k] = np.einsum("ni,niq->nq", arriving / np.maximum(taken, 1.0)[:, None], walk[:, :k]) + here * gate
        without[:, k] += np.minimum(np.einsum("ni,niq->nq", arriving, without[:, :k]), _MOST) * (here == 0.0)
        passed = np.minimum(np.einsum("ni,nic->nc", arriving, lengths[:, :k]), _MOST)
        lengths[:, k, 1:] += np.where(convolves[:, k, None], passed[:, :-1], passed[:, 1:])
        lengths[:, k, 0] += np.where(convolves[:, k], 0.0, passed[:, 0])
    to_output, width = _backwards(batch, concatenates, fan_in)
    rows = np.arange(n)
    last = batch.outputs
    each: Columns = {name: found[rows, last] for name, found in (("min", least), ("max", most), ("walk", walk))}
    each["without"] = np.log1p(without[rows, last])
    each["convolutions"] = np.log1p(lengths[rows, last])
    each["operations"] = np.column_stack([operations.sum(axis=1), depth[rows, last], np.log1p(paths[rows, last])])
    each["through"] = np.log1p(np.einsum("nv,nvo->no", np.minimum(paths * to_output, _MOST), operations))
    sizes = [edges.sum(axis=(1, 2)), computes.sum(axis=1), (fan_in * concatenates * nodes).sum(axis=1)]
    widths = [np.einsum("nv,nvo->no", width**power, operations) for power in (1, 2)]
    each["width"] = np.column_stack([*widths, *sizes])
    each["ends"] = _ends(batch, vocabulary, one_hot, inputs, concatenates & nodes)
    return each


def _backwards(batch: CellBatch, concatenates: NDArray[np.bool_], fan_in: Array) -> tuple[Array, Array]:
    """Number of paths from each node to the output, and the share of its channels, `(n, v)` each."""
    n, v = batch.labels.shape
    paths, width = np.zeros((n, v)), np.zeros((n, v))
    paths[np.arange(n), batch.outputs] = width[np.arange(n), batch.outputs] = 1.0
    share = 1.0 / np.where(concatenates, np.maximum(fan_in, 1.0), 1.0)
    for k in reversed(range(v - 1)):
        leaving = batch.edges[:, k, k + 1 :]
        paths[:, k] += np.minimum((leaving * paths[:, k + 1 :]).sum(axis=1), _MOST)
        width[:, k] = np.maximum(width[:, k], ((leaving > 0) * (width * share)[:, k + 1 :]).max(axis=1))
    return paths, width


def _ends(
    batch: CellBatch, vocabulary: Vocabulary, one_hot: Array, inputs: NDArray[np.bool_], concatenates: NDArray[np.bool_]
) -> Array:
    """What follows each input and what stands before the output, then operations read by an output or `concat`."""
    n, _ = batch.labels.shape
    rows = np.arange(n)
    blocks = []
    for label in np.flatnonzero(vocabulary.inputs):
        from_input = np.einsum("ni,nij->nj", (batch.labels == label) & inputs, batch.edges)
        blocks.append(np.einsum("nj,njl->nl", from_input, one_hot))
    into_output = batch.edges[rows, :, batch.outputs]
    blocks.append(np.einsum("ni,nil->nl", into_output, one_hot))
    readers = concatenates.copy()
    readers[rows, batch.outputs] = True
    read = (np.einsum("nij,nj->ni", batch.edges, readers) > 0).astype(np.float64)
    blocks.append(np.einsum("ni,nil->nl", read, one_hot[..., vocabulary.computes]))
    return np.hstack(blocks)


def neighbourhoods(batch: CellBatch, vocabulary: Vocabulary) -> tuple[Codes, Codes]:
    """Codes of each node's label with the multiset of labels before it, and after it, `(n, v)` each; 0 in padding.

    A code is a sum of 64 random bits for each label, so two neighbourhoods share one by a chance of about 2^-64.
    """
    own = vocabulary.codes[batch.labels] * batch.nodes
    edges = batch.edges.astype(np.uint64)
    with np.errstate(over="ignore"):
        neighbour = own * np.uint64(0x9E3779B97F4A7C15)  # odd: a label counts differently as neighbour and as itself
        before = own + (edges * neighbour[:, :, None]).sum(axis=1, dtype=np.uint64)
        after = own + (edges * neighbour[:, None, :]).sum(axis=2, dtype=np.uint64)
    return before * batch.nodes, after * batch.nodes


def _most_convolutions(found: Columns) -> int:
    return int(np.flatnonzero(found["convolutions"].any(axis=0)).max(initial=0))


def _clipped(convolutions: Array, most: int) -> Array:
    """Columns for 0 to `most` convolutions, and one for more."""
    n, width = convolutions.shape
    padded = np.hstack([convolutions, np.zeros((n, max(most + 1 - width, 0)))])
    return np.column_stack([padded[:, : most + 1], padded[:, most + 1 :].sum(axis=1)])


def _counts(codes: Codes, known: Codes) -> Array:
    """How often each code known occurs, and how many others there are, `(n, len(known) + 1)`."""
    n, _ = codes.shape
    place = np.minimum(np.searchsorted(known, codes), len(known) - 1)
    place[known[place] != codes] = len(known)
    flat = (np.arange(n)[:, None] * (len(known) + 1) + place).ravel()
    counts = np.bincount(flat, weights=(codes != 0).ravel(), minlength=n * (len(known) + 1))
    return np.asarray(counts.reshape(n, len(known) + 1), dtype=np.float64)
