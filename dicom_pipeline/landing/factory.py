"""Create the storage of a location.

Belongs here: the choice between directory and bucket.
Does not belong here: the implementations.
"""

from __future__ import annotations

from pathlib import Path

from dicom_pipeline.config.locations import Location
from dicom_pipeline.landing.directory import DirectoryStorage
from dicom_pipeline.landing.storage import Storage


def open_storage(
    location: Location, *, follow_symlinks: bool = False, min_file_age_seconds: float = 0
) -> Storage:
    """Open a landing zone; see `DirectoryStorage` and `BucketStorage` for the parameters."""
    if isinstance(location, Path):
        return DirectoryStorage(
            location, follow_symlinks=follow_symlinks, min_file_age_seconds=min_file_age_seconds
        )
    from dicom_pipeline.landing.s3.bucket import BucketStorage

    return BucketStorage(location, min_file_age_seconds=min_file_age_seconds)
