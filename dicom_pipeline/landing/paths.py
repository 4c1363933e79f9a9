"""Full paths and URIs of files in the landing zone, for use by other programs.

Belongs here: full paths and URIs. They may contain PHI: show them only to users who may read the
raw zone, and never log them.
Does not belong here: finding the files.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from dicom_pipeline.config.locations import Location
from dicom_pipeline.landing.storage import decode_path


def resolve_paths(location: Location, paths: Iterable[str]) -> Iterator[str]:
    """Return the full path or URI of each file, in order.

    Parameters
    ----------
    location
        The landing zone.
    paths
        Paths as in `FileVersion`. Bytes that are not UTF-8 become surrogates, which
        ``os.fsencode`` converts back to bytes.
    """
    if isinstance(location, Path):
        prefix = f"{os.path.abspath(location).rstrip(os.sep)}{os.sep}"  # noqa: PTH100 - links stay
    else:
        prefix = str(location)
    for path in paths:
        yield prefix + decode_path(path)
