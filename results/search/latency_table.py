"""Joins latencies of NAS-Bench-201's cells with their strings, as `smbo-nas benchmark latency` reads them.

python results/search/latency_table.py nb201.csv.gz nb201_latency.csv.gz latency.csv.gz
"""

from __future__ import annotations

import csv
import gzip
import sys
from pathlib import Path


def rows(table: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, perhaps gzipped."""
    with (gzip.open if table.suffix == ".gz" else open)(table, "rt", newline="") as lines:
        return list(csv.DictReader(lines))


def main(cells: Path, latencies: Path, joined: Path) -> None:
    """Writes a column `arch` and the latencies, in the order of the latencies.

    Args:
        cells: CSV with `index` and `arch`, NAS-Bench-201's strings.
        latencies: CSV with `index` and one column for each device.
        joined: File to write, gzipped.
    """
    arch = {row["index"]: row["arch"] for row in rows(cells)}
    measured = rows(latencies)
    devices = [name for name in measured[0] if name != "index"]
    with gzip.open(joined, "wt", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["arch", *devices])
        writer.writerows([arch[row["index"]], *(row[name] for name in devices)] for row in measured)


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
