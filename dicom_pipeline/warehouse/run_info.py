"""Facts about a publication: time, profile, versions and file outcomes.

Belongs here: collecting them.
Does not belong here: the published table ``run_info`` (data_dictionary), counting files
(extract.file_counts).
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from dicom_pipeline.config.settings import Profile
from dicom_pipeline.extract.reconciliation import FileCounts
from dicom_pipeline.warehouse.data_dictionary import RunInfo

_PACKAGES = ("dicom-pipeline", "dbt-core", "duckdb", "pydicom")


def run_info(profile: Profile, mapping_csv: Path, counts: FileCounts) -> RunInfo:
    """Return the facts about a publication at the current time.

    Parameters
    ----------
    profile
        De-identification profile.
    mapping_csv
        The mapping in use; a digest of its content is its version.
    counts
        File outcomes.
    """
    versions = {name.replace("-", "_"): metadata.version(name) for name in _PACKAGES}
    versions["mapping"] = hashlib.sha256(mapping_csv.read_bytes()).hexdigest()[:16]
    return RunInfo(
        datetime.now(UTC).isoformat(timespec="seconds"), str(profile), versions, _files(counts)
    )


def _files(counts: FileCounts) -> dict[str, int]:
    files = counts.outcomes
    for outcome, reasons in (("rejected", counts.rejected), ("ignored", counts.ignored)):
        files |= {f"{outcome}: {reason}": count for reason, count in sorted(reasons.items())}
    return files
