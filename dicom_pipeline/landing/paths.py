"""Where a file of the landing zone lies, as another program can open it.

Belongs here: full paths and URIs. They are for who may read the raw zone, and for no log.
Does not belong here: finding the files.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from dicom_pipeline.config.locations import Location
from dicom_pipeline.landing.storage import from_text


def resolve_paths(place: Location, paths: Iterable[str]) -> Iterator[str]:
    """Full names of files of a zone, in their order.

    Parameters
    ----------
    place
        The landing zone.
    paths
        As `FileVersion` has them. Bytes of a name that are not UTF-8 come out as surrogates,
        which ``os.fsencode`` turns back.
    """
    if isinstance(place, Path):
        prefix = f"{os.path.abspath(place).rstrip(os.sep)}{os.sep}"  # noqa: PTH100 - links stay
    else:
        prefix = str(place)
    for path in paths:
        yield prefix + from_text(path)
