"""Work of a worker process: reading headers of files, or processing a whole partition.

Belongs here: the state of a worker and its two tasks.
Does not belong here: processes, crashes and timeouts (pool), partitions themselves (partition).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dicom_pipeline.common.attribute_path import AttributePath
from dicom_pipeline.common.errors import StorageUnavailable
from dicom_pipeline.common.private_files import LOCAL_WRITER, Writer
from dicom_pipeline.config.locations import Location
from dicom_pipeline.config.settings import Reader
from dicom_pipeline.deid.identity_terms import IdentityTerms
from dicom_pipeline.extract.cross_check import CrossCheckedReader
from dicom_pipeline.extract.partition import PartitionReport, Partitions, rows_reader_version
from dicom_pipeline.extract.raw_zone.parquet import RawZone
from dicom_pipeline.extract.tables import ChunkTables, Tables
from dicom_pipeline.headers.pydicom_reader import PydicomReader
from dicom_pipeline.headers.reader import FileRejected, HeaderReader, RejectReason
from dicom_pipeline.landing.factory import open_storage
from dicom_pipeline.landing.manifest import ManifestStore
from dicom_pipeline.landing.storage import FileVersion, Storage
from dicom_pipeline.mapping.attribute_mapping import load_mapping
from dicom_pipeline.mapping.date_rules import load_date_rules
from dicom_pipeline.mapping.identity_attributes import IDENTITY_CSV, load_identity_attributes

LANDING_BECAME_EMPTY = (
    "the landing zone became empty while its files were read; check whether it is mounted, then "
    "run again"
)
READERS: dict[Reader, Callable[[Sequence[AttributePath]], HeaderReader]] = {
    Reader.FAST: CrossCheckedReader,
    Reader.PYDICOM: PydicomReader,
}


@dataclass(frozen=True)
class WorkerPlan:
    """Settings of a worker process, which receives them once at its start."""

    landing: Location
    raw_dir: Path
    mapping_csv: Path
    reader: Reader = Reader.FAST
    identity_csv: Path = IDENTITY_CSV
    keep_deleted: bool = False
    follow_symlinks: bool = False
    allow_missing_uids: bool = False

    def tables(self) -> ChunkTables:
        """Return a builder of the tables of a chunk, made from the seeds."""
        mapping = load_mapping(self.mapping_csv)
        terms = IdentityTerms(load_identity_attributes(self.identity_csv))
        rules = load_date_rules()
        return ChunkTables(mapping, terms, rules, allow_missing_uids=self.allow_missing_uids)

    @property
    def reader_version(self) -> str:
        """Reader version of the rows; see `Partitions.reader_version`."""
        mapping = load_mapping(self.mapping_csv)
        identity = load_identity_attributes(self.identity_csv)
        allowed = self.allow_missing_uids
        return "/".join(rows_reader_version(mapping, identity, allow_missing_uids=allowed))

    def zone(self) -> Storage:
        """Return the landing zone."""
        return open_storage(self.landing, follow_symlinks=self.follow_symlinks)

    def partitions(self, writer: Writer = LOCAL_WRITER) -> Partitions:
        """Return the partitions of the raw zone, written by ``writer``."""
        return Partitions(
            ManifestStore(self.raw_dir, writer),
            RawZone(self.raw_dir, load_mapping(self.mapping_csv), writer),
            self.zone(),
            load_identity_attributes(self.identity_csv),
            keep_deleted=self.keep_deleted,
            allow_missing_uids=self.allow_missing_uids,
        )


class Worker:
    """State of one worker process."""

    def __init__(self, plan: WorkerPlan) -> None:
        self.storage = plan.zone()
        self.tables = plan.tables()
        self.reader = READERS[plan.reader](self.tables.attribute_paths)
        self._plan = plan

    @cached_property
    def partitions(self) -> Partitions:
        """The partitions of the raw zone, with the tombstones at the first use."""
        return self._plan.partitions()

    def read(self, files: Sequence[FileVersion]) -> Tables:
        """Return the rows of files; each file has a row in the images or in the rejected files.

        Raises
        ------
        StorageUnavailable
            The landing zone cannot be read, or became empty.
        MemoryError
            The process ran out of memory.
        """
        tables = self.tables
        tables.begin()  # discard rows of a chunk that failed
        for file, opened in zip(files, self.storage.open_many(files), strict=True):
            try:
                if isinstance(opened, OSError):
                    raise opened
                try:
                    tables.add(file, self.reader.read(opened))
                finally:
                    opened.close()
            except FileRejected as rejected:
                tables.reject(file, rejected.reason, rejected.fault)
            except OSError:
                if not self._plan.keep_deleted and self.storage.is_empty():
                    raise StorageUnavailable(LANDING_BECAME_EMPTY) from None
                tables.reject(file, RejectReason.UNREADABLE)
            except (MemoryError, StorageUnavailable):
                # out of memory, the process is unreliable: the file is read again alone; if the
                # storage is unavailable, no file can be read
                raise
            except Exception:  # noqa: BLE001 - one file must not affect the rows of others
                tables.reject(file, RejectReason.DECODE_ERROR)
        return tables.finish()

    def process_partition(self, period: str, *, force: bool) -> PartitionReport | None:
        """Update a partition to match its manifest; None if that needs other partitions."""
        work = self.partitions.plan(period, force=force)
        work.parts.append(self.read(work.to_read))
        if self.partitions.needs_other_partitions(work):
            return None
        return self.partitions.finish(work)
