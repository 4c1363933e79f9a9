"""Does everything stand as the last complete run left it? Then a run has nothing to do.

Belongs here: what a run depends on and what it leaves, as one digest, beside the account it gave.
Does not belong here: what is pending (orchestration.pending), and the run itself (headless).
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
# settings that no table depends on; the key of the vault is held against theirs before every scan
_NO_CHOICE = frozenset(
    {"pseudonym_key", "pseudonym_key_file", "snowflake", "alert_webhook", "run_retention_days"}
)
# each scan writes anew when it began; what it found is in the digest
_SCAN_STATE = Path("manifests", "last_scan.json")


@dataclasses.dataclass(frozen=True)
class LastRun:
    """A run after which nothing was left to do: when it ended, and its account."""

    digest: str
    ended_at: str
    counts: FileCounts


def digest_of(workspace: Workspace, dbt_sources: str) -> str | None:
    """Digest of all that a run depends on and leaves; None where that cannot stand.

    Sources and versions of the code, settings, what the last scan saw, every file of the raw zone,
    the build database and the published file. Of files the size, the time of the last change and
    the inode count, as for files of the landing zone: none is opened.

    Parameters
    ----------
    workspace
        The settings and zones.
    dbt_sources
        Digest of the dbt project.
    """
    scan = workspace.ingest.manifests.read_state()
    if scan is None or not scan.complete or scan.unsettled:
        return None
    if workspace.settings.target is not Target.LOCAL:
        return None  # whether tables stand in a warehouse elsewhere, no file here can tell
    digest = hashlib.sha256(dbt_sources.encode())
    try:
        for part in (
            *_code(),
            _choices(workspace.settings),
            _seen(scan),
            *_files(workspace.settings.raw_dir, but=_SCAN_STATE),
            _version(workspace.warehouse.build_database),
            _version(workspace.settings.database),
        ):
            digest.update(f"{part}\n".encode())
    except OSError:
        return None
    return digest.hexdigest()


def _code() -> Iterator[str]:
    yield from (f"{name} {metadata.version(name)}" for name in _PACKAGES)
    for path in sorted(PACKAGE_DIR.rglob("*.py")):
        yield f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}"


def _choices(settings: Settings) -> str:
    chosen = {
        field.name: str(getattr(settings, field.name))
        for field in dataclasses.fields(settings)
        if field.name not in _NO_CHOICE
    }
    return json.dumps(chosen, sort_keys=True)


def _seen(scan: ScanState) -> str:
    return json.dumps(scan.ignored, sort_keys=True)


def _files(root: Path, *, but: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if path != root / but:
                yield f"{path.relative_to(root)} {_version(path)}"


def _version(path: Path) -> str:
    status = path.stat()
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ino}"


def record_last_run(workspace: Workspace, dbt_sources: str, counts: FileCounts) -> None:
    """Note that nothing is left to do, if so; the caller holds the lock."""
    digest = digest_of(workspace, dbt_sources)
    if digest is None or not counts.balanced or counts.pending or counts.stale_partitions:
        return
    entry = {
        "digest": digest,
        "ended_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "counts": vars(counts),
    }
    with suppress(OSError):  # a disk is full: the next run looks at all of it again, that is all
        write_atomic(workspace.settings.warehouse_dir / _FILE, json.dumps(entry).encode())


def find_last_run(workspace: Workspace, dbt_sources: str) -> LastRun | None:
    """The last run, if all is as it left it."""
    path = workspace.settings.warehouse_dir / _FILE
    try:
        entry = json.loads(path.read_bytes())
        counts = entry["counts"]
        for name in ("rejected", "ignored"):
            counts[name] = Counter(counts[name])
        found = LastRun(entry["digest"], entry["ended_at"], FileCounts(**counts))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # there is none, or not one of ours: all is looked at anew
    return found if found.digest == digest_of(workspace, dbt_sources) else None
