"""The two cells of DARTS."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from predictors.graph import CONCAT, OUTPUT, SUM, ArchGraph
from smbo_nas.spaces.base import Params, SearchSpace, SpaceError

CELL_INPUTS = ("input_0", "input_1")
"""Labels of c_{k-2} and c_{k-1}, the outputs of the two cells before."""


class DARTSSpace(SearchSpace):
    """DARTS: a normal and a reduction cell of four nodes, each the sum of two operations on two earlier nodes.

    Liu et al., "DARTS: Differentiable Architecture Search", ICLR 2019, sec. 2.1 and 3.1. With the default nodes the
    space has (3 x 6 x 10 x 7^8)^2, about 1e18, settings. Nodes 0 and 1 are the cell's inputs c_{k-2} and c_{k-1}; the
    output concatenates the others. A strided `skip_connect` (in the reduction cell, on a cell input) is no identity,
    and its node is labelled `factorized_reduce`.

    Args:
        nodes: Number of inner nodes of each cell, at least 1.
    """

    name = "darts"
    skeleton = "nasnet"
    ops = (
        "max_pool_3x3",
        "avg_pool_3x3",
        "skip_connect",
        "sep_conv_3x3",
        "sep_conv_5x5",
        "dil_conv_3x3",
        "dil_conv_5x5",
    )
    cells = ("normal", "reduce")

    def __init__(self, *, nodes: int = 4) -> None:
        if nodes < 1:
            raise SpaceError(f"`nodes` must be at least 1, but got {nodes}.")
        self.nodes = nodes
        self._choices: dict[str, tuple[str, ...]] = {}
        for cell in self.cells:
            for k in range(2, nodes + 2):
                pairs = tuple(f"{i},{j}" for i, j in itertools.combinations(range(k), 2))
                self._choices[f"{cell}_{k}_inputs"] = pairs
                self._choices[f"{cell}_{k}_op_a"] = self.ops
                self._choices[f"{cell}_{k}_op_b"] = self.ops

    @property
    def choices(self) -> Mapping[str, tuple[str, ...]]:
        """For node k of a cell: `normal_k_inputs`, its two earlier nodes, and one operation for each."""
        return self._choices

    @property
    def operations(self) -> tuple[str, ...]:
        """See `SearchSpace.operations`."""
        return (*self.ops, "factorized_reduce")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready description of the space."""
        return {"name": self.name, "nodes": self.nodes}

    def _graph(self, params: Params) -> ArchGraph:
        ops: list[str] = []
        edges: list[tuple[int, int]] = []
        cell_of: list[int] = []
        for index, cell in enumerate(self.cells):
            at = len(ops)
            ops += CELL_INPUTS
            state = [at, at + 1]
            for k in range(2, self.nodes + 2):
                sources = [int(i) for i in params[f"{cell}_{k}_inputs"].split(",")]
                for source, slot in zip(sources, "ab", strict=True):
                    op = params[f"{cell}_{k}_op_{slot}"]
                    strided = cell == "reduce" and source < 2
                    edges.append((state[source], len(ops)))
                    ops.append("factorized_reduce" if op == "skip_connect" and strided else op)
                edges += [(len(ops) - 2, len(ops)), (len(ops) - 1, len(ops))]
                state.append(len(ops))
                ops.append(SUM)
            edges += [(node, len(ops)) for node in state[2:]] + [(len(ops), len(ops) + 1)]
            ops += [CONCAT, OUTPUT]
            cell_of += [index] * (len(ops) - at)
        return ArchGraph(ops=tuple(ops), edges=tuple(edges), cell=tuple(cell_of))

    def from_genotype(self, genotype: Mapping[str, Any]) -> Params:
        """The params of a genotype as the authors print it.

        Args:
            genotype: `normal` and `reduce`, each a list of `(operation, earlier node)`, two per node. The authors'
                namedtuple is passed as `genotype._asdict()`; its `normal_concat` and `reduce_concat` are optional.

        Raises:
            SpaceError: When the genotype is none of this space.
        """
        params: Params = {}
        for cell in self.cells:
            if cell not in genotype:
                raise SpaceError(f"a genotype must hold `normal` and `reduce`, but holds {', '.join(genotype)}.")
            inner = list(range(2, self.nodes + 2))
            if sorted(genotype.get(f"{cell}_concat", inner)) != inner:
                raise SpaceError(f"`{cell}_concat` must be {inner}, but got {genotype[f'{cell}_concat']!r}.")
            pairs = list(genotype[cell])
            if any(isinstance(pair, str) or len(pair) != 2 for pair in pairs):
                raise SpaceError(f"`{cell}` must hold (operation, node) pairs, but got {pairs!r}.")
            if len(pairs) != 2 * self.nodes:
                raise SpaceError(f"`{cell}` must hold {2 * self.nodes} (operation, node) pairs, but got {len(pairs)}.")
            for k in range(2, self.nodes + 2):
                (i, op_i), (j, op_j) = sorted((int(n), op) for op, n in pairs[2 * (k - 2) : 2 * (k - 1)])
                params |= {
                    f"{cell}_{k}_inputs": f"{i},{j}",
                    f"{cell}_{k}_op_a": op_i,
                    f"{cell}_{k}_op_b": op_j,
                }
        return self.check(params)
