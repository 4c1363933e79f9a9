"""Rows of files that were to be read and no longer can be, where rows outlive their files.

Belongs here: what ``DICOM_ON_DELETE=keep`` keeps of a partition when it is written anew.
Does not belong here: choosing rows of tables (rows), and when a partition is written (partition).
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
    """Stored rows of files that are gone.

    Parameters
    ----------
    raw
        Where they are stored.
    identity
        What identifies patients, for rows that are older than the table of terms.
    """

    def __init__(self, raw: RawZone, identity: IdentityAttributes) -> None:
        self.raw = raw
        self.identity = identity

    def added_to(
        self, parts: list[Tables], period: str, files: Sequence[FileVersion], fallback: Tables
    ) -> list[Tables]:
        """Add stored rows of files that were to be read and no longer can be.

        They stand in for the reject where the file is still the same one by the manifest; of a
        changed file the old rows stay, and the reject says that the new ones are missing.
        """
        unreadable = {path for part in parts for path in unreadable_paths(part[REJECTED])}
        if not unreadable:
            return parts
        stored = [fallback]
        elsewhere = unreadable.difference(*map(paths_of, stored))
        if elsewhere:  # another grain put them into another partition
            stored += self._remote_reader(period, elsewhere)
        versions = versions_of(files)
        terms = IdentityTerms(self.identity)
        kept = [
            with_terms(retained_rows(tables, unreadable, versions), self.raw.mapping, terms)
            for tables in stored
        ]
        current: set[str] = set()
        for tables in kept:
            current.update(rows_of(tables["images"], versions)["file_path"].to_pylist())
            current.update(tables[REJECTED]["file_path"].to_pylist())
        return [*(without_rejects(part, current) for part in parts), *kept]

    def _remote_reader(self, period: str, paths: set[str]) -> Iterator[Tables]:
        for other in self.raw.periods():
            if other == period or not paths:
                continue
            ours = {name: self.raw.read(name, other, ["file_path"]) for name in WITH_FILES}
            if any(table is None for table in ours.values()) or paths.isdisjoint(paths_of(ours)):
                continue
            tables = self.raw.whole(other)
            if tables is not None:
                yield tables
                paths = paths.difference(paths_of(ours))
