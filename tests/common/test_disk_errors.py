"""A disk error is reported with the setting of its disk; other errors are not changed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from dicom_pipeline.common.disk_errors import DiskError, disk_error, translate_disk_errors
from dicom_pipeline.config.settings import SettingsError

PLACES = {
    "DICOM_RAW_URI": Path("/site/data/raw"),
    "DBT_DATABASE_NAME": Path("/site"),
    "DICOM_WAREHOUSE_DIR": Path("/site/data/warehouse"),
}


@pytest.mark.parametrize(
    ("path", "setting"),
    [
        ("/site/data/raw/images/data.parquet", "DICOM_RAW_URI"),
        ("/site/data/warehouse/build.duckdb", "DICOM_WAREHOUSE_DIR"),
        ("/site/data/warehouse", "DICOM_WAREHOUSE_DIR"),
        ("/site/data/raw2/images", "DBT_DATABASE_NAME"),
        ("/site/dicom.duckdb.tmp", "DBT_DATABASE_NAME"),
    ],
)
def test_a_full_disk_is_reported_with_the_setting_of_the_innermost_directory(
    path: str, setting: str
) -> None:
    error = disk_error(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path), PLACES)
    assert str(error) == f"the disk of {setting} is full: free some space, then run again"


def test_another_error_is_not_a_disk_error() -> None:
    assert disk_error(OSError(errno.EMFILE, os.strerror(errno.EMFILE), "/site"), PLACES) is None
    assert disk_error(ValueError("Name^Of^Patient"), PLACES) is None


def test_an_error_with_instructions_is_not_changed() -> None:
    with pytest.raises(SettingsError, match="disk is full"), translate_disk_errors(PLACES):
        raise SettingsError("disk is full")
    with pytest.raises(DiskError), translate_disk_errors(PLACES):
        raise RuntimeError("IO Error: Could not write file: No space left on device")
