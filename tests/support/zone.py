"""Landing zone and raw zone in a temporary directory, processed by the production code."""

import os
import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from dicom_pipeline.config.settings import Granularity, OnDelete
from dicom_pipeline.extract.partition import PartitionReport
from dicom_pipeline.extract.raw_step import RawStep
from dicom_pipeline.extract.raw_zone.parquet import RawZone
from dicom_pipeline.extract.raw_zone.tombstones import Tombstones
from dicom_pipeline.extract.reconciliation import FileCounts, reconcile
from dicom_pipeline.extract.tables import RAW_TABLES, REJECTED
from dicom_pipeline.extract.worker import WorkerPlan
from dicom_pipeline.landing.directory import DirectoryStorage
from dicom_pipeline.landing.manifest import ManifestStore
from dicom_pipeline.landing.scan import Scanner, ScanReport, ScanRules
from dicom_pipeline.mapping.attribute_mapping import MAPPING_CSV, load_mapping
from dicom_pipeline.mapping.identity_attributes import IDENTITY_CSV
from tests.support.inline_pool import inline_pool


class Zone:
    """Landing zone with its raw zone."""

    def __init__(
        self, root: Path, *, keep: bool = False, allow_missing_uids: bool = False, **storage: Any
    ) -> None:
        self.landing = root / "landing"
        self.landing.mkdir(parents=True, exist_ok=True)
        self.raw_dir = root / "raw"
        self.mapping_csv = root / "mapping.csv"
        self.identity_csv = root / "identity.csv"
        shutil.copyfile(MAPPING_CSV, self.mapping_csv)
        shutil.copyfile(IDENTITY_CSV, self.identity_csv)
        self.keep = keep
        self.allow_missing_uids = allow_missing_uids
        self.storage = DirectoryStorage(self.landing, **storage)
        self.manifests = ManifestStore(self.raw_dir)

    def put(self, name: str, data: bytes) -> Path:
        path = self.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def scan(
        self, *, granularity: Granularity = Granularity.MONTH, start: int = 0,
        budget: float | None = None, accept: bool = False,
    ) -> ScanReport:  # fmt: skip
        on_delete = OnDelete.KEEP if self.keep else OnDelete.REMOVE
        rules = ScanRules(granularity, on_delete, accept_deletions=accept)
        purged = Tombstones(self.raw_dir).files()
        scanner = Scanner(self.storage, self.manifests, rules, budget=budget, purged=purged)
        return scanner.run(start)

    @property
    def raw(self) -> RawZone:
        return RawZone(self.raw_dir, load_mapping(self.mapping_csv))

    def step(self, workers: int = 1) -> RawStep:
        plan = WorkerPlan(
            self.landing,
            self.raw_dir,
            self.mapping_csv,
            identity_csv=self.identity_csv,
            keep_deleted=self.keep,
            follow_symlinks=self.storage.follow_symlinks,
            allow_missing_uids=self.allow_missing_uids,
        )
        return RawStep(plan.partitions(), plan, workers=workers)

    def refresh(
        self, periods: Sequence[str] | None = None, *, force: bool = False, workers: int = 0
    ) -> list[PartitionReport]:
        """Load partitions; without ``workers`` in this process, which takes less time."""
        wanted = self.manifests.periods() if periods is None else periods
        with nullcontext() if workers else inline_pool():
            return list(self.step(max(workers, 1)).refresh(wanted, force=force))

    def load(self, **options: Any) -> int:
        """Scan and extract; return the number of files that were read."""
        self.scan(**options)
        return sum(report.read for report in self.refresh())

    def reconcile(self) -> FileCounts:
        return reconcile(self.storage, self.step().partitions)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of all partitions of a table."""
        found: list[dict[str, Any]] = []
        for period in self.raw.periods():
            rows = self.raw.read(table, period)
            assert rows is not None
            found += [row | {"period": period} for row in rows.to_pylist()]
        return found

    def images(self) -> dict[str, dict[str, Any]]:
        return {row["file_path"]: row for row in self.rows("images")}

    def rejects(self) -> dict[str, str]:
        return {row["file_path"]: row["reason"] for row in self.rows(REJECTED)}

    def content(self) -> dict[str, list[str]]:
        """Return the rows of all tables, sorted."""
        return {table: sorted(str(row) for row in self.rows(table)) for table in RAW_TABLES}

    def bytes(self) -> dict[str, bytes]:
        """Return the bytes of every parquet file of the raw tables."""
        return {
            os.fspath(path.relative_to(self.raw_dir)): path.read_bytes()
            for table in RAW_TABLES
            for path in (self.raw_dir / table).rglob("*.parquet")
        }
