"""Recovery from corrupt derived files after an unexpected error.

Belongs here: finding corrupt files that can be derived again, only after an operation failed.
Does not belong here: detecting corruption (warehouse.duckdb.corruption, extract.raw_zone), disk
errors (common.disk_errors).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dicom_pipeline.common.disk_errors import disk_error
from dicom_pipeline.common.errors import UserError
from dicom_pipeline.extract.raw_zone.parquet import CorruptCopy, RawZone
from dicom_pipeline.warehouse.duckdb import build_database
from dicom_pipeline.warehouse.duckdb.corruption import is_corrupt


class CorruptionFound(UserError):
    """A derived file was corrupt and was removed or quarantined; the next run creates it again."""


@contextmanager
def recover_from_corruption(build: Path, raw: RawZone) -> Iterator[None]:
    """Remove or quarantine corrupt files if the block fails; the caller holds the write lock.

    Parameters
    ----------
    build
        The build database.
    raw
        The raw zone; for one in a bucket, the local copy.

    Raises
    ------
    CorruptionFound
        A file was corrupt; raised instead of the original error.
    """
    try:
        yield
    except Exception as error:
        expected = isinstance(error, UserError) and not isinstance(error, CorruptCopy)
        if expected or disk_error(error, {}):
            raise
        lines: list[str] = []
        with suppress(Exception):  # an error of this check must not hide the original one
            lines += _remove_corrupt(build, raw)
        if lines:
            raise CorruptionFound("; ".join(lines)) from None
        raise


def _remove_corrupt(build: Path, raw: RawZone) -> Iterator[str]:
    """Remove a corrupt build database, quarantine corrupt parquet, and yield a message for each."""
    if is_corrupt(build):
        build_database.remove(build)
        yield "the build database was corrupt and is removed: run again to rebuild all tables"
    corrupt = [period for period in raw.periods() if raw.is_corrupt(period)]
    for period in corrupt:
        raw.quarantine(period)
    if corrupt:
        yield (
            f"parquet files of {len(corrupt)} study periods were corrupt and are in quarantine: "
            "run again to read their files again"
        )
