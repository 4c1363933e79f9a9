"""The landing zone of a place. Belongs here: choosing its kind. Does not belong here: any kind."""

from __future__ import annotations

from pathlib import Path

from dicom_pipeline.landing.directory import DirectoryStorage
from dicom_pipeline.landing.storage import Storage
from dicom_pipeline.place import Place


def open_zone(place: Place, *, follow_symlinks: bool = False, settle_seconds: float = 0) -> Storage:
    """The landing zone that lies in a place; see `DirectoryStorage` and `BucketStorage`."""
    if isinstance(place, Path):
        return DirectoryStorage(
            place, follow_symlinks=follow_symlinks, settle_seconds=settle_seconds
        )
    from dicom_pipeline.landing.bucket import BucketStorage

    return BucketStorage(place, settle_seconds=settle_seconds)
