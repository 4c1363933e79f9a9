"""dbt in a child of a process that has imported it already.

Belongs here: running dbt commands in tests without importing dbt for each, which takes seconds.
Each command has a process of its own, because dbt keeps DuckDB's file locked until its process
ends.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["dbt.cli.main", "dbt.adapters.duckdb", "duckdb"])


def run_dbt(
    *arguments: str, project: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command of dbt; standard output and error are together in ``stdout``.

    Parameters
    ----------
    arguments
        Of the command ``dbt``.
    project
        Directory of the dbt project.
    environment
        Variables beside those of this process.
    """
    with TemporaryDirectory() as folder:
        output = Path(folder, "output")
        child = _CONTEXT.Process(
            target=_invoke, args=(arguments, project, {**os.environ, **environment}, output)
        )
        child.start()
        child.join()
        text = output.read_text() if output.exists() else ""
    return subprocess.CompletedProcess(arguments, child.exitcode or 0, text)


def _invoke(
    arguments: tuple[str, ...], project: Path, environment: Mapping[str, str], output: Path
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(project)
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    from dbt.cli.main import dbtRunner

    result = dbtRunner().invoke(list(arguments))
    if result.exception is not None:
        sys.stdout.write(f"\n{result.exception}\n")
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(0 if result.success else 1)
