"""The command line in a child of a process that has imported Dagster and dbt already.

Belongs here: running commands in tests without importing both for each, which takes three seconds.
Each command has a process of its own, with its own environment, as on a terminal. Tests of
``tests/packaging`` start the installed program instead.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["dagster_dbt", "dbt.adapters.duckdb", "dicom_pipeline.cli.app", "dicom_pipeline.definitions"]
)


def run_command(
    *arguments: str,
    directory: Path,
    environment: Mapping[str, str],
    stdin: str = "",
    umask: int = -1,
    seconds: float = 480,
) -> tuple[int, str]:
    """Run a command of ``dicom-pipeline``; return its exit code, and what it prints.

    Parameters
    ----------
    arguments
        Of the command.
    directory
        Working directory.
    environment
        All environment variables.
    stdin
        Standard input, which is no terminal.
    umask
        Of the process; -1 leaves it as it is.
    seconds
        The command is killed after this time.
    """
    with TemporaryDirectory() as folder:
        given, output = Path(folder, "stdin"), Path(folder, "output")
        given.write_text(stdin)
        child = _CONTEXT.Process(
            target=_invoke, args=(arguments, directory, dict(environment), given, output, umask)
        )
        child.start()
        child.join(seconds)
        if child.is_alive():
            child.kill()
            child.join()
        text = output.read_text(errors="replace") if output.exists() else ""
    assert child.exitcode is not None
    return child.exitcode, text


def _invoke(
    arguments: tuple[str, ...],
    directory: Path,
    environment: dict[str, str],
    given: Path,
    output: Path,
    umask: int,
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(directory)
    os.dup2(os.open(given, os.O_RDONLY), 0)
    os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT, 0o600), 1)
    os.dup2(1, 2)
    if umask >= 0:
        os.umask(umask)
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(0), os.fdopen(1, "w", buffering=1), os.fdopen(2, "w", buffering=1),
    )  # fmt: skip
    sys.argv = ["dicom-pipeline", *arguments]
    from dicom_pipeline.cli.app import main

    try:
        main()
    finally:
        atexit._run_exitfuncs()  # multiprocessing leaves them out
        sys.stdout.flush()
        sys.stderr.flush()
