"""A table for `python -m predictors` from a CSV of NAS-Bench-101 cells (adjacency, operations, accuracies).

    python results/predictors/nasbench101_table.py nb101_subset.csv.gz nasbench101.jsonl

Each row has the fields `hash`, `n_nodes`, `adj_upper` (the upper triangle of the adjacency, row by row), `ops` (of the
inner nodes, 0 conv3x3, 1 conv1x1, 2 maxpool3x3, joined by -) and `val_e4 val_e12 val_e36 val_e108`. The target is
`val_e108` (`--target val_e108`); the other three can ride along (`--columns val_e12`).
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
from pathlib import Path

from smbo_nas.spaces.nasbench101 import NASBench101Space

OPS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
FIELDS = ("val_e4", "val_e12", "val_e36", "val_e108")


def main(source: Path, target: Path) -> None:
    """Writes the table."""
    space = NASBench101Space()
    with gzip.open(source, "rt") as lines, target.open("w") as out:
        for row in csv.DictReader(lines):
            n, bits = int(row["n_nodes"]), iter(row["adj_upper"])
            matrix = [[int(next(bits)) if j > i else 0 for j in range(n)] for i in range(n)]
            inner = [OPS[int(code)] for code in row["ops"].split("-")] if row["ops"] else []
            graph = space.graph(space.from_matrix(matrix, ["input", *inner, "output"]))
            fields = {name: float(row[name]) for name in FIELDS}
            out.write(json.dumps({"graph": graph.to_dict(), **fields}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
