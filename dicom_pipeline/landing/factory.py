"""The landing zone of a place. Belongs here: choosing its kind. Does not belong here: any kind."""

from __future__ import annotations

from pathlib import Path

from dicom_pipeline.config.locations import Location
from dicom_pipeline.landing.directory import DirectoryStorage
from dicom_pipeline.landing.storage import Storage


def open_storage(
    place: Location, *, follow_symlinks: bool = False, min_file_age_seconds: float = 0
) -> Storage:
    """The landing zone that lies in a place; see `DirectoryStorage` and `BucketStorage`."""
    if isinstance(place, Path):
        return DirectoryStorage(
            place, follow_symlinks=follow_symlinks, min_file_age_seconds=min_file_age_seconds
        )
    from dicom_pipeline.landing.s3.bucket import BucketStorage

    return BucketStorage(place, min_file_age_seconds=min_file_age_seconds)
