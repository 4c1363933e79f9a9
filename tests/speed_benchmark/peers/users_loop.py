"""The loop that a user would write: walk, pydicom, pandas, parquet; in one process or in a pool.

Belongs here: the loop over files, once in total, or once for each of the five tables.
Does not belong here: code of this project except the list of attributes.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import pandas as pd
from harness import cpu_seconds
from pydicom import dcmread
from pydicom_text import text_of

_CHUNK = 50
Row = dict[str, "str | None"]


def row_of(path: str, keywords: list[str]) -> Row:
    """Return the requested values of a file."""
    dataset = dcmread(path, stop_before_pixels=True)
    row: Row = {"path": path}
    for keyword in keywords:
        row[keyword] = text_of(dataset[keyword]) if keyword in dataset else None
    return row


def main(landing: str, out: Path, workers: int, tables: dict[str, list[str]]) -> None:
    """Write one parquet file per table; print the seconds."""
    warnings.filterwarnings("ignore")
    began, cpu = time.perf_counter(), cpu_seconds()
    files = 0
    for table, keywords in tables.items():
        paths = [
            os.path.join(folder, name) for folder, _, names in os.walk(landing) for name in names
        ]
        read = partial(row_of, keywords=keywords)
        if workers == 1:
            rows = list(map(read, paths))
        else:
            with ProcessPoolExecutor(workers) as pool:
                rows = list(pool.map(read, paths, chunksize=_CHUNK))
        pd.DataFrame.from_records(rows).to_parquet(out / f"{table}.parquet")
        files = len(rows)
    result = {"wall": time.perf_counter() - began, "cpu": cpu_seconds() - cpu, "files": files}
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    wanted = json.loads(Path(sys.argv[4]).read_text())
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), wanted)
