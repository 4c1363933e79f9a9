"""After an error that nobody expected: what is damaged is put out of the way, and said.

Belongs here: looking for damage in what is derived, once something failed: nothing is looked at
while all goes well.
Does not belong here: telling damage (warehouse.damage, raw_zone), what ails a disk (disk).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dicom_pipeline.disk import disk_error
from dicom_pipeline.extract.raw_zone import RawZone
from dicom_pipeline.plain_error import PlainError
from dicom_pipeline.warehouse import build_file
from dicom_pipeline.warehouse.damage import is_damaged


class Damaged(PlainError):
    """Something derived was damaged and is out of the way: another run makes it anew."""


@contextmanager
def mending(build: Path, raw: RawZone | None) -> Iterator[None]:
    """Hold what was derived against damage if something fails; the caller holds the lock.

    Parameters
    ----------
    build
        The build database.
    raw
        The raw zone; None where it lies in a bucket, which looks after its objects itself.

    Raises
    ------
    Damaged
        In place of the error: something was damaged.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, PlainError) or disk_error(error, {}):
            raise
        told = []
        if is_damaged(build):
            build_file.remove(build)
            told.append("the build database was damaged: run again, all tables are built anew")
        damaged = [key for key in raw.periods() if raw.is_damaged(key)] if raw else []
        for period in damaged:
            assert raw is not None
            raw.set_aside(period)
        if damaged:
            told.append(
                f"parquet of {len(damaged)} study periods was damaged and is set aside: run again, "
                "which reads their files again"
            )
        if told:
            raise Damaged("; ".join(told)) from None
        raise
