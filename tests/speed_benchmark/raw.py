"""The raw step against the loop that a user would write.

Belongs here: running them in turn in processes of their own, on the same files.
Does not belong here: the programs themselves (peers), ratios (measures).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dicom_pipeline.config.project import PROJECT_DIR
from dicom_pipeline.mapping.attribute_mapping import ENTITIES, load_mapping

from .corpus import Corpus
from .measures import interleaved, middle, ratio
from .readers import PEERS

OURS, POOL = "raw step", "user's loop, pool"


def measure(
    corpus: Corpus, workers: int, rounds: int, scratch: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """Wall and CPU of the raw step and of three loops, and ratios to ours."""
    mapping = load_mapping()
    tables = {name: sorted({a.attribute for a in mapping.table(name)}) for name in ENTITIES}
    once = scratch / "one_table.json"
    five = scratch / "five_tables.json"
    scratch.mkdir(parents=True, exist_ok=True)
    once.write_text(json.dumps({"all": sorted(set().union(*tables.values()))}))
    five.write_text(json.dumps(tables))
    landing = str(corpus.folder)

    def runs(script: str, *arguments: object) -> Callable[[], dict[str, Any]]:
        return lambda: _run(script, landing, scratch / "out", *arguments)

    programs = {
        OURS: runs("raw_step", workers),
        POOL: runs("users_loop", workers, once),
        "user's loop, one process": runs("users_loop", 1, once),
        "user's loop, pool, once a table": runs("users_loop", workers, five),
    }
    _run("raw_step", landing, scratch / "out", workers)  # fills the page cache
    found = interleaved(programs, rounds, say)
    rows = [
        {
            "program": name,
            "wall": middle(results, "wall"),
            "cpu": middle(results, "cpu"),
            "ratio": ratio(results, found[OURS], "wall"),
            "cpu_ratio": ratio(results, found[OURS], "cpu"),
        }
        for name, results in found.items()
    ]
    return {
        "kind": corpus.kind,
        "files": len(corpus.names),
        "workers": workers,
        "scan": middle(found[OURS], "scan"),
        "rows": rows,
    }


def _run(script: str, landing: str, out: Path, *arguments: object) -> dict[str, Any]:
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    command = [sys.executable, PEERS / f"{script}.py", landing, out, *arguments]
    environment = os.environ | {"PYTHONPATH": str(PROJECT_DIR), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        raise RuntimeError(f"{script} failed:\n{done.stderr[-2000:]}")
    shutil.rmtree(out)
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result
