"""The cell of B blocks of NASNet and PNAS."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from predictors.graph import CONCAT, OUTPUT, SUM, ArchGraph
from smbo_nas.spaces.base import Params, SearchSpace, SpaceError, distinct_operations
from smbo_nas.spaces.darts import CELL_INPUTS

PNAS_OPS = (
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
    "conv_1x7_7x1",
    "identity",
    "avg_pool_3x3",
    "max_pool_3x3",
    "dil_conv_3x3",
)
"""The eight operations of PNAS, sec. 3.1."""


class PNASSpace(SearchSpace):
    """PNAS: one cell of B blocks, each combining two operations on two earlier outputs.

    Liu et al., "Progressive Neural Architecture Search", ECCV 2018, sec. 3.1: with B = 5 the space has 5.6e14 settings.
    Block b may take the outputs of the two cells before (`input_0` is c_{k-2}, `input_1` is c_{k-1}) and of the blocks
    before it. The cell's output concatenates the blocks nothing else takes. The same cell, with stride 2, reduces.

    Args:
        blocks: B, at least 1.
        ops: Operations to choose from.
        combine: How a block combines its two results: `add` in PNAS; NASNet (Zoph et al. 2018) chose among `add` and
            `concat`.
        min_blocks: Fewest blocks of a cell, from 1 to `blocks`, which is the default. Where cells may be smaller, as
            progressive search needs, a parameter `blocks` says how many blocks there are.
    """

    name = "pnas"
    skeleton = "nasnet"

    def __init__(
        self,
        *,
        blocks: int = 5,
        ops: Sequence[str] = PNAS_OPS,
        combine: Sequence[str] = (SUM,),
        min_blocks: int | None = None,
    ) -> None:
        if blocks < 1:
            raise SpaceError(f"`blocks` must be at least 1, but got {blocks}.")
        if isinstance(combine, str) or sorted(combine) not in ([SUM], [CONCAT], [SUM, CONCAT]):
            raise SpaceError(f"`combine` must be a selection of {SUM!r} and {CONCAT!r}, but got {combine!r}.")
        if min_blocks is not None and not 1 <= min_blocks <= blocks:
            raise SpaceError(f"`min_blocks` must be from 1 to {blocks} (`blocks`), but got {min_blocks}.")
        self.max_blocks = blocks
        self.min_blocks = blocks if min_blocks is None else min_blocks
        self.ops = distinct_operations(ops)
        self.combine = tuple(combine)
        self._choices: dict[str, tuple[str, ...]] = {}
        if self.min_blocks < blocks:
            self._choices["blocks"] = tuple(str(b) for b in range(self.min_blocks, blocks + 1))
        for b in range(1, blocks + 1):
            earlier = (*CELL_INPUTS, *(f"block_{k}" for k in range(1, b)))
            self._choices[f"block_{b}_input_a"] = earlier
            self._choices[f"block_{b}_input_b"] = earlier
            self._choices[f"block_{b}_op_a"] = self.ops
            self._choices[f"block_{b}_op_b"] = self.ops
            if len(self.combine) > 1:
                self._choices[f"block_{b}_combine"] = self.combine

    @property
    def choices(self) -> Mapping[str, tuple[str, ...]]:
        """For block b: `block_b_input_a`, `block_b_input_b`, `block_b_op_a`, `block_b_op_b` (and `block_b_combine`).

        `blocks`, where cells may be smaller: how many blocks are used; what the others would be does not count.
        """
        return self._choices

    @property
    def operations(self) -> tuple[str, ...]:
        """See `SearchSpace.operations`."""
        return self.ops

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready description of the space."""
        smaller = {"min_blocks": self.min_blocks} if self.min_blocks < self.max_blocks else {}
        return {
            "name": self.name,
            "blocks": self.max_blocks,
            "ops": list(self.ops),
            "combine": list(self.combine),
            **smaller,
        }

    def blocks(self, params: Mapping[str, Any]) -> int:
        """Blocks of the cell."""
        return int(params.get("blocks", self.max_blocks))

    def expansions(self, params: Mapping[str, Any] | None = None) -> Iterator[Params]:
        """Cells with one block more at the end, its two halves in one of their two orders (PNAS, sec. 3.1 and 4.1).

        Raises:
            SpaceError: When the space has no cells of one block (`min_blocks`).
        """
        if self.min_blocks > 1:
            raise SpaceError(f"{self.name} has no cells of one block to begin with: set `min_blocks` to 1.")
        origin = {} if params is None else self.check(params)
        b = 1 if params is None else self.blocks(origin) + 1
        if b > self.max_blocks:
            return
        unused = {name: choices[0] for name, choices in self._choices.items()}
        for k in range(1, b):
            unused |= {name: choice for name, choice in origin.items() if name.startswith(f"block_{k}_")}
        if "blocks" in unused:
            unused["blocks"] = str(b)
        halves = list(itertools.product(self._choices[f"block_{b}_input_a"], self.ops))
        for (input_a, op_a), (input_b, op_b) in itertools.combinations_with_replacement(halves, 2):
            block = {"input_a": input_a, "input_b": input_b, "op_a": op_a, "op_b": op_b}
            for combine in self.combine:
                if len(self.combine) > 1:
                    block["combine"] = combine
                yield unused | {f"block_{b}_{part}": choice for part, choice in block.items()}

    def _graph(self, params: Params) -> ArchGraph:
        ops: list[str] = list(CELL_INPUTS)
        edges: list[tuple[int, int]] = []
        at = {label: k for k, label in enumerate(CELL_INPUTS)}
        taken: set[str] = set()
        for b in range(1, self.blocks(params) + 1):
            for slot in "ab":
                source = params[f"block_{b}_input_{slot}"]
                taken.add(source)
                edges.append((at[source], len(ops)))
                ops.append(params[f"block_{b}_op_{slot}"])
            edges += [(len(ops) - 2, len(ops)), (len(ops) - 1, len(ops))]
            at[f"block_{b}"] = len(ops)
            ops.append(params.get(f"block_{b}_combine", self.combine[0]))
        loose = [node for label, node in at.items() if label not in taken and label not in CELL_INPUTS]
        edges += [(node, len(ops)) for node in loose] + [(len(ops), len(ops) + 1)]
        return ArchGraph(ops=(*ops, CONCAT, OUTPUT), edges=tuple(edges))
