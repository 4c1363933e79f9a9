"""After an error that nobody expected: what is damaged is put out of the way, and said.

Belongs here: looking for damage in what is derived, once something failed: nothing is looked at
while all goes well.
Does not belong here: telling damage (warehouse.damage, raw_zone), what ails a disk (disk).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dicom_pipeline.common.disk_errors import disk_error
from dicom_pipeline.common.errors import UserError
from dicom_pipeline.extract.raw_zone.parquet import CorruptCopy, RawZone
from dicom_pipeline.warehouse.duckdb import build_database as build_file
from dicom_pipeline.warehouse.duckdb.corruption import is_corrupt


class Damaged(UserError):
    """Something derived was damaged and is out of the way: another run makes it anew."""


@contextmanager
def mending(build: Path, raw: RawZone) -> Iterator[None]:
    """Hold what was derived against damage if something fails; the caller holds the lock.

    Parameters
    ----------
    build
        The build database.
    raw
        The raw zone; of one in a bucket, this machine's copy.

    Raises
    ------
    Damaged
        In place of the error: something was damaged.
    """
    try:
        yield
    except Exception as error:
        expected = isinstance(error, UserError) and not isinstance(error, CorruptCopy)
        if expected or disk_error(error, {}):
            raise
        told: list[str] = []
        with suppress(Exception):  # what failed is to be told, not what kept us from looking
            told += _put_away(build, raw)
        if told:
            raise Damaged("; ".join(told)) from None
        raise


def _put_away(build: Path, raw: RawZone) -> Iterator[str]:
    """Look for damage, put it out of the way, and say so."""
    if is_corrupt(build):
        build_file.remove(build)
        yield "the build database was damaged: run again, all tables are built anew"
    damaged = [period for period in raw.periods() if raw.is_corrupt(period)]
    for period in damaged:
        raw.quarantine(period)
    if damaged:
        yield (
            f"parquet of {len(damaged)} study periods was damaged and is set aside: run again, "
            "which reads their files again"
        )
