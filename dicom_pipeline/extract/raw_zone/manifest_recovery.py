"""Recovery of missing or corrupt manifests from the raw parquet.

Belongs here: finding such manifests and writing them again. Without a manifest, the scan has
no list of the files with rows, and its delete guard could not count them when they are deleted.
Does not belong here: comparison of manifests with the landing zone (landing.scan).
"""

from __future__ import annotations

from dicom_pipeline.extract.partition import Partitions
from dicom_pipeline.extract.tables import WITH_FILES
from dicom_pipeline.landing.manifest import ManifestRow, now
from dicom_pipeline.landing.storage import FILE_COLUMNS, FileVersion


def recover_manifests(partitions: Partitions, *, corrupt_too: bool = False) -> int:
    """Rebuild missing and corrupt manifests.

    Their files are marked as not opened, so that the next scan determines their date again. A
    corrupt manifest without raw parquet is removed: the next scan finds its files as new.

    Parameters
    ----------
    partitions
        The raw zone and its manifests.
    corrupt_too
        Also look for corrupt manifests; this reads all manifests completely.

    Returns
    -------
    int
        Number of missing and corrupt manifests.
    """
    manifests, raw = partitions.manifests, partitions.raw
    present = manifests.periods()
    corrupt = {key for key in present if corrupt_too and not manifests.is_readable(key)}
    lost = corrupt | (set(raw.periods()) - set(present))
    for period in sorted(lost):
        rows = _rows(partitions, period)
        if rows:
            manifests.write(period, rows)
        elif period in corrupt:
            manifests.remove(period)
    return len(lost)


def _rows(partitions: Partitions, period: str) -> list[ManifestRow]:
    found: dict[str, ManifestRow] = {}
    for name in WITH_FILES:
        table = partitions.raw.read(name, period, FILE_COLUMNS)
        if table is not None:
            columns = (table[column].to_pylist() for column in FILE_COLUMNS)
            for path, size, mtime_ns, etag in zip(*columns, strict=True):
                file = FileVersion(path, size, mtime_ns, etag)
                found[path] = ManifestRow(file, None, False, now())
    return list(found.values())
