"""Whether nothing has changed since the last complete run, so that a run has nothing to do.

Belongs here: a digest of the inputs and results of a run, stored with its file counts.
Does not belong here: pending partitions (orchestration.pending_partitions), a run (operations.run).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from dicom_pipeline.common.private_files import write_atomic
from dicom_pipeline.config.project import PACKAGE_DIR
from dicom_pipeline.config.settings import Settings, Target
from dicom_pipeline.extract.reconciliation import FileCounts
from dicom_pipeline.landing.manifest import ScanState
from dicom_pipeline.workspace import Workspace

_FILE = "last_run.json"
_PACKAGES = ("dagster", "dbt-core", "dbt-duckdb", "duckdb", "pyarrow", "pydicom")
# settings that no table depends on; before every scan the key is checked against the vault's key
_IGNORED_SETTINGS = frozenset(
    {
        "pseudonym_key",
        "pseudonym_key_file",
        "snowflake",
        "alert_webhook",
        "landing_freshness_hours",
        "run_retention_days",
        "audit_retention_days",
    }
)
# every scan writes its start time here; the result of the scan is in the digest
_SCAN_STATE = Path("manifests", "last_scan.json")


@dataclasses.dataclass(frozen=True)
class LastRun:
    """A run after which nothing was left to do.

    Attributes
    ----------
    digest
        State after the run; see `digest_of`.
    ended_at
        Time in UTC, ISO 8601.
    counts
        Outcomes of the files of the landing zone.
    """

    digest: str
    ended_at: str
    counts: FileCounts


def digest_of(workspace: Workspace, dbt_sources: str) -> str | None:
    """Return a digest of the inputs and results of a run; None if it cannot be determined.

    It covers sources and versions of the code, settings, the result of the last scan, every file
    of the raw zone, the build database and the published file. No file is opened: files are
    identified by size, modification time and inode, as in the landing zone.

    Parameters
    ----------
    workspace
        The services.
    dbt_sources
        Digest of the dbt project.
    """
    scan = workspace.ingest.manifests.read_state()
    if scan is None or not scan.complete or scan.unsettled:
        return None
    if workspace.settings.target is not Target.LOCAL:
        return None  # no local file shows whether the tables in Snowflake are unchanged
    digest = hashlib.sha256(dbt_sources.encode())
    try:
        for part in (
            *_code(),
            _settings_text(workspace.settings),
            _scan_result(scan),
            *_files(workspace.settings.raw_dir, exclude=_SCAN_STATE),
            _file_version(workspace.warehouse.build_database),
            _file_version(workspace.settings.database),
        ):
            digest.update(f"{part}\n".encode())
    except OSError:
        return None
    return digest.hexdigest()


def _code() -> Iterator[str]:
    yield from (f"{name} {metadata.version(name)}" for name in _PACKAGES)
    for path in sorted(PACKAGE_DIR.rglob("*.py")):
        yield f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}"


def _settings_text(settings: Settings) -> str:
    values = {
        field.name: str(getattr(settings, field.name))
        for field in dataclasses.fields(settings)
        if field.name not in _IGNORED_SETTINGS
    }
    return json.dumps(values, sort_keys=True)


def _scan_result(scan: ScanState) -> str:
    return json.dumps(scan.ignored, sort_keys=True)


def _files(root: Path, *, exclude: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if path != root / exclude:
                yield f"{path.relative_to(root)} {_file_version(path)}"


def _file_version(path: Path) -> str:
    status = path.stat()
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ino}"


def record_last_run(workspace: Workspace, dbt_sources: str, counts: FileCounts) -> None:
    """Store the digest and the counts if nothing is left to do; the caller holds the write lock."""
    digest = digest_of(workspace, dbt_sources)
    if digest is None or not counts.balanced or counts.pending or counts.stale_partitions:
        return
    entry = {
        "digest": digest,
        "ended_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "counts": vars(counts),
    }
    with suppress(OSError):  # without the file, the next run only checks everything again
        write_atomic(workspace.settings.warehouse_dir / _FILE, json.dumps(entry).encode())


def find_last_run(workspace: Workspace, dbt_sources: str) -> LastRun | None:
    """Return the last complete run if nothing has changed since then, else None."""
    path = workspace.settings.warehouse_dir / _FILE
    try:
        entry = json.loads(path.read_bytes())
        counts = entry["counts"]
        for name in ("rejected", "ignored"):
            counts[name] = Counter(counts[name])
        found = LastRun(entry["digest"], entry["ended_at"], FileCounts(**counts))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # no file, or an unknown format: the run checks everything
    return found if found.digest == digest_of(workspace, dbt_sources) else None
