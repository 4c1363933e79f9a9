"""What a publication was made with: the moment, the versions, and what became of the files.

Belongs here: collecting that.
Does not belong here: the published table that shows it (warehouse.self_description), and counting
(extract.tally).
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
    """Collect what is told of a publication.

    Parameters
    ----------
    profile
        Profile of de-identification.
    mapping_csv
        The mapping in use; its content has a version of its own.
    counts
        What became of the files.
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
