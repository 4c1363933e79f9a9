"""Retention of rows of files that can no longer be read (``DICOM_ON_DELETE=keep``).

Belongs here: the stored rows that a rewritten partition keeps.
Does not belong here: selection of rows from tables (rows), writing of partitions (partition).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dicom_pipeline.deid.identity_terms import IdentityTerms
from dicom_pipeline.extract.raw_zone.parquet import RawZone
from dicom_pipeline.extract.raw_zone.rows import (
    paths_of,
    retained_rows,
    rows_of,
    unreadable_paths,
    versions_of,
    without_rejects,
)
from dicom_pipeline.extract.raw_zone.stored_terms import with_terms
from dicom_pipeline.extract.tables import REJECTED, WITH_FILES, Tables
from dicom_pipeline.landing.storage import FileVersion
from dicom_pipeline.mapping.identity_attributes import IdentityAttributes


class RetainedRows:
    """Stored rows of deleted files.

    Parameters
    ----------
    raw
        The raw zone.
    identity
        Attributes that identify patients, for rows stored before there were identity terms.
    """

    def __init__(self, raw: RawZone, identity: IdentityAttributes) -> None:
        self.raw = raw
        self.identity = identity

    def add_to(
        self, parts: list[Tables], period: str, files: Sequence[FileVersion], fallback: Tables
    ) -> list[Tables]:
        """Add stored rows of files that could not be read to the rows of a partition.

        If the manifest has the file in the stored version, its rows replace the reject. If the
        file has changed, the old rows are kept beside the reject, which shows that the new ones
        are missing.
        """
        unreadable = {path for part in parts for path in unreadable_paths(part[REJECTED])}
        if not unreadable:
            return parts
        stored = [fallback]
        elsewhere = unreadable.difference(*map(paths_of, stored))
        if elsewhere:  # another DICOM_PARTITION_BY put them into another partition
            stored += self._from_other_partitions(period, elsewhere)
        versions = versions_of(files)
        terms = IdentityTerms(self.identity)
        retained = [
            with_terms(retained_rows(tables, unreadable, versions), self.raw.mapping, terms)
            for tables in stored
        ]
        current: set[str] = set()
        for tables in retained:
            current.update(rows_of(tables["images"], versions)["file_path"].to_pylist())
            current.update(tables[REJECTED]["file_path"].to_pylist())
        return [*(without_rejects(part, current) for part in parts), *retained]

    def _from_other_partitions(self, period: str, paths: set[str]) -> Iterator[Tables]:
        for other in self.raw.periods():
            if other == period or not paths:
                continue
            files = {name: self.raw.read(name, other, ["file_path"]) for name in WITH_FILES}
            if any(table is None for table in files.values()) or paths.isdisjoint(paths_of(files)):
                continue
            tables = self.raw.read_all(other)
            if tables is not None:
                yield tables
                paths = paths.difference(paths_of(files))
