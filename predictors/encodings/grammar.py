"""Which token sequences are of the same layout as the graphs of a space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from predictors.encodings.tokens import END, TokenEncoder
from predictors.graph import CONCAT, OUTPUT, SUM, ArchGraph, is_input


class Place(NamedTuple):
    """Where in a graph the next token is: what was read of the current node, and of its cell."""

    cell: int = 0
    inputs: int = 0
    node: int = -1
    role: str = ""
    slot: int = 0
    last: int = -1
    """The node last referred to, by its position in the cell: the next one comes after it."""


class TokenGrammar:
    """The places of the graphs of `fit`, and the tokens seen at each.

    A place is a node's position in its cell, what kind of node it is (an operation, a sum, a concatenation, an input or
    the output) and how many tokens of it were read. A sequence that has, at each place, a token seen there reads back
    as a graph. Where all graphs have the same edges, such as those of NAS-Bench-201, it has these edges too; where
    edges are chosen, each is one that some graph has.

    Args:
        encoder: The fitted encoder of the graphs.

    Attributes:
        follows_: Tokens seen at each place, ascending.
        repeats_: Whether some node takes an input twice.
    """

    follows_: dict[tuple[int, int, int, str, int], tuple[int, ...]]
    repeats_: bool

    def __init__(self, encoder: TokenEncoder) -> None:
        self.encoder = encoder

    def fit(self, graphs: Sequence[ArchGraph]) -> Self:
        """Learns the places."""
        seen: dict[tuple[int, int, int, str, int], set[int]] = {}
        self.repeats_ = False
        for graph in graphs:
            self.repeats_ |= len(set(graph.edges)) < len(graph.edges)
            place = Place()
            for token in self.encoder.encode(graph):
                seen.setdefault(place[:-1], set()).add(token)
                place = self.advance(place, token)
        self.follows_ = {key: tuple(sorted(tokens)) for key, tokens in seen.items()}
        return self

    def allowed(self, place: Place) -> list[int]:
        """The tokens that may come next; never none at a place that allowed tokens led to."""
        # A token at this place led on in some graph of `fit`, whose next reference is no further back.
        earliest = place.last + (not self.repeats_)
        return [token for token in self.follows_[place[:-1]] if self._node(place, token, earliest) >= earliest]

    def advance(self, place: Place, token: int) -> Place:
        """The place after a token."""
        op = self.encoder.op_of(token)
        if op is None:
            last = self._node(place, token, place.last)
            return place._replace(slot=place.slot + 1, last=last)
        begins = place.role == OUTPUT
        return Place(
            cell=place.cell + begins,
            inputs=(0 if begins else place.inputs) + is_input(op),
            node=0 if begins else place.node + 1,
            role=op if op in (OUTPUT, SUM, CONCAT) or is_input(op) else "",
        )

    def sample(self, rng: np.random.Generator) -> list[int]:
        """A sequence of tokens drawn place by place, ending with `END`."""
        place, tokens = Place(), [END]
        while len(tokens) == 1 or tokens[-1] != END:
            allowed = self.allowed(place)
            tokens.append(allowed[rng.integers(len(allowed))])
            place = self.advance(place, tokens[-1])
        return tokens[1:]

    def _node(self, place: Place, token: int, otherwise: int) -> int:
        """Position in its cell of the node that a token refers to; `otherwise` where it refers to none."""
        number = token - self.encoder.first_reference
        if number < 0:
            return otherwise
        n_inputs = self.encoder.n_inputs_
        return number if number < n_inputs else place.node - 1 - (number - n_inputs)
