"""Connections without a database of their own, which leave no texts of patients elsewhere.

Belongs here: where DuckDB writes what does not fit into memory, and clearing of memory.
Does not belong here: databases in the warehouse directory, beside which DuckDB writes such files;
queries.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb

from dicom_pipeline.common.private_files import ensure_private_directory

# DuckDB gives each block back to the system, and gets it cleared. Without that, the unused parts of
# the blocks that it writes have what the process had in memory before.
CLEAR_MEMORY: dict[str, str | bool | int | float | list[str]] = {
    "allocator_bulk_deallocation_flush_threshold": "1B",
}
_PREFIX = ".duckdb-"
_SECONDS_OF_A_DAY = 86_400


@contextlib.contextmanager
def in_memory(warehouse_dir: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory, which writes temporary files into the warehouse directory.

    By default, DuckDB writes them into the current directory, readable as the umask allows. The
    files that it writes have nothing of what it had in memory before, see `CLEAR_MEMORY`.

    Parameters
    ----------
    warehouse_dir
        The directory for patient data. Each connection has a folder of its own in it, since the
        names of temporary files are the same in all processes.
    """
    ensure_private_directory(warehouse_dir)
    _remove_abandoned(warehouse_dir)
    folder = tempfile.mkdtemp(prefix=_PREFIX, dir=warehouse_dir)  # with mode 0700
    config = {"temp_directory": folder, **CLEAR_MEMORY}
    try:
        with contextlib.closing(duckdb.connect(config=config)) as connection:
            yield connection
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(warehouse_dir: Path) -> None:
    """Remove the folders of processes that were killed: no connection is open for a day."""
    for folder in warehouse_dir.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > _SECONDS_OF_A_DAY:
                shutil.rmtree(folder, ignore_errors=True)
