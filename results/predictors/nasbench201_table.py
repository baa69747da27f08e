"""A table for `python -m predictors` of NAS-Bench-201's cells with their 12-epoch values as a column.

    python results/predictors/nasbench201_table.py nb201.csv.gz cifar10 c10_val_e12 nasbench201_cifar10.jsonl

The target `value` is the validation accuracy after 200 epochs, averaged over the seeds; `val_e12` is the named
field of the CSV, whose fields `op_e01 op_e02 op_e12 op_e03 op_e13 op_e23` are the operations (0 none, 1 skip_connect,
2 nor_conv_1x1, 3 nor_conv_3x3, 4 avg_pool_3x3).
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
from pathlib import Path

from smbo_nas.benchmarks.nasbench201 import load_table
from smbo_nas.spaces.nasbench201 import NASBench201Space

OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ("op_e01", "op_e02", "op_e12", "op_e03", "op_e13", "op_e23")


def main(source: Path, dataset: str, column: str, target: Path) -> None:
    """Writes the table."""
    with gzip.open(source, "rt") as lines:
        early = {tuple(OPS[int(row[e])] for e in EDGES): float(row[column]) for row in csv.DictReader(lines)}
    space = NASBench201Space()
    with target.open("w") as out:
        for params, value in zip(space.enumerate(), load_table(dataset).mean_val_acc.tolist(), strict=True):
            graph = space.graph(params)
            row = {"graph": graph.to_dict(), "value": value, "val_e12": early[graph.ops[1:-1]]}
            out.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4]))
