"""What a worker process does: it reads headers, or brings a whole partition up to its manifest.

Belongs here: what a worker knows, and the two things it can be asked for.
Does not belong here: processes, crashes and time-outs (pool), and what a partition is (partition).
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
from dicom_pipeline.headers.reader import HeaderReader, Reason, Rejected
from dicom_pipeline.landing.factory import open_storage
from dicom_pipeline.landing.manifest import ManifestStore
from dicom_pipeline.landing.storage import FileVersion, Storage
from dicom_pipeline.mapping.attribute_mapping import load_mapping
from dicom_pipeline.mapping.identity_attributes import IDENTITY_CSV, load_identity_attributes

EMPTY = (
    "the landing zone became empty while its files were read; check whether it is mounted, then "
    "run again"
)
READERS: dict[Reader, Callable[[Sequence[AttributePath]], HeaderReader]] = {
    Reader.FAST: CrossCheckedReader,
    Reader.PYDICOM: PydicomReader,
}


@dataclass(frozen=True)
class WorkerPlan:
    """What a worker process needs to know; it is sent to it once."""

    landing: Location
    raw_dir: Path
    mapping_csv: Path
    reader: Reader = Reader.FAST
    identity_csv: Path = IDENTITY_CSV
    keep_deleted: bool = False
    follow_symlinks: bool = False

    def tables(self) -> ChunkTables:
        """Read the seeds, for what makes the tables of a chunk."""
        mapping = load_mapping(self.mapping_csv)
        return ChunkTables(mapping, IdentityTerms(load_identity_attributes(self.identity_csv)))

    @property
    def reader_version(self) -> str:
        """What rows are read by; see `Partitions.reader_version`."""
        mapping = load_mapping(self.mapping_csv)
        return "/".join(rows_reader_version(mapping, load_identity_attributes(self.identity_csv)))

    def zone(self) -> Storage:
        """The landing zone."""
        return open_storage(self.landing, follow_symlinks=self.follow_symlinks)

    def partitions(self, writer: Writer = LOCAL_WRITER) -> Partitions:
        """The partitions of the raw zone, as it is written by ``writer``."""
        return Partitions(
            ManifestStore(self.raw_dir, writer),
            RawZone(self.raw_dir, load_mapping(self.mapping_csv), writer),
            self.zone(),
            load_identity_attributes(self.identity_csv),
            keep_deleted=self.keep_deleted,
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
        """The partitions of the raw zone, as they were when this process began."""
        return self._plan.partitions()

    def read(self, files: Sequence[FileVersion]) -> Tables:
        """Rows of some files, each of which is in the images or the rejects."""
        tables = self.tables
        tables.begin()  # whatever became of the files before
        for file, opened in zip(files, self.storage.opened(files), strict=True):
            try:
                if isinstance(opened, OSError):
                    raise opened
                try:
                    tables.add(file, self.reader.read(opened))
                finally:
                    opened.close()
            except Rejected as rejected:
                tables.reject(file, rejected.reason)
            except OSError:
                if not self._plan.keep_deleted and self.storage.is_empty():
                    raise StorageUnavailable(EMPTY) from None
                tables.reject(file, Reason.UNREADABLE)
            except (MemoryError, StorageUnavailable):
                # this process is no longer to be trusted: the file is read again, alone; or no
                # file can be read
                raise
            except Exception:  # noqa: BLE001 - no file may cost others their rows
                tables.reject(file, Reason.DECODE_ERROR)
        return tables.finish()

    def process_partition(self, period: str, *, force: bool) -> PartitionReport | None:
        """Bring a partition up to its manifest; None when that takes rows of other partitions."""
        work = self.partitions.plan(period, force=force)
        work.parts.append(self.read(work.to_read))
        if self.partitions.needs_others(work):
            return None
        return self.partitions.finish(work)
