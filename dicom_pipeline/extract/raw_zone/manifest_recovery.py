"""Manifests that are gone or damaged, made again from the raw parquet.

Belongs here: that. A file that has rows is a known file, and that it is gone is for the guard of
the scan to judge: so its manifest must not simply be missing.
Does not belong here: comparing manifests with the landing zone (scan).
"""

from __future__ import annotations

from dicom_pipeline.extract.partition import Partitions
from dicom_pipeline.extract.tables import WITH_FILES
from dicom_pipeline.landing.manifest import ManifestRow, now
from dicom_pipeline.landing.storage import FileVersion

_VERSION = ["file_path", "file_size", "file_mtime_ns", "file_etag"]


def recover_manifests(partitions: Partitions, *, corrupt_too: bool = False) -> int:
    """Make manifests anew that are gone or cannot be read.

    Their files are noted as not yet opened, so that the next scan looks for their date again. A
    manifest that cannot be read and whose partition was never written goes: its files are new.

    Parameters
    ----------
    partitions
        The raw zone and its manifests.
    corrupt_too
        Whether to look for damage: reads all manifests to their ends.

    Returns
    -------
    int
        How many there were.
    """
    manifests, raw = partitions.manifests, partitions.raw
    known = manifests.periods()
    damaged = {key for key in known if corrupt_too and not manifests.is_readable(key)}
    lost = damaged | (set(raw.periods()) - set(known))
    for period in sorted(lost):
        rows = _rows(partitions, period)
        if rows:
            manifests.write(period, rows)
        elif period in damaged:
            manifests.remove(period)
    return len(lost)


def _rows(partitions: Partitions, period: str) -> list[ManifestRow]:
    found: dict[str, ManifestRow] = {}
    for name in WITH_FILES:
        table = partitions.raw.read(name, period, _VERSION)
        if table is not None:
            columns = (table[column].to_pylist() for column in _VERSION)
            for path, size, mtime_ns, etag in zip(*columns, strict=True):
                file = FileVersion(path, size, mtime_ns, etag)
                found[path] = ManifestRow(file, None, False, now())
    return list(found.values())
