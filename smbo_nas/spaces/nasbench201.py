"""The cell of NAS-Bench-201."""

from __future__ import annotations

from typing import Any

from smbo_nas.spaces.base import Params, SpaceError
from smbo_nas.spaces.cell import CellSpace


class NASBench201Space(CellSpace):
    """NAS-Bench-201: four feature maps, one of five operations on each of the six edges; 15,625 cells.

    Dong and Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search", ICLR 2020, sec. 2.1.
    """

    def __init__(self) -> None:
        super().__init__(
            nodes=4,
            ops=("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"),
            name="nasbench201",
            skeleton="nasbench201",
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready description of the space."""
        return {"name": self.name}

    def to_arch_string(self, params: Params) -> str:
        """The benchmark's own string, such as `|nor_conv_3x3~0|+|none~0|skip_connect~1|+|...|`."""
        params = self.check(params)
        return "+".join(
            "|" + "|".join(f"{params[f'edge_{i}_{j}']}~{i}" for i in range(j)) + "|" for j in range(1, self.nodes)
        )

    def from_arch_string(self, text: str) -> Params:
        """Inverse of `to_arch_string`.

        Raises:
            SpaceError: When the string is none of the benchmark's.
        """
        params: Params = {}
        for j, node in enumerate(text.split("+"), start=1):
            for edge in node.strip("|").split("|"):
                op, _, i = edge.partition("~")
                params[f"edge_{i}_{j}"] = op
        try:
            params = self.check(params)
        except SpaceError as error:
            raise SpaceError(f"no architecture string of {self.name}: {text!r} ({error})") from error
        if self.to_arch_string(params) != text:  # an edge twice, or stray separators
            raise SpaceError(f"no architecture string of {self.name}: {text!r}.")
        return params
