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

from dicom_pipeline.extract.accounting import Account
from dicom_pipeline.settings import Profile
from dicom_pipeline.warehouse.self_description import RunInfo

_PACKAGES = ("dicom-pipeline", "dbt-core", "duckdb", "pydicom")


def run_info(profile: Profile, mapping_csv: Path, account: Account) -> RunInfo:
    """Collect what is told of a publication.

    Parameters
    ----------
    profile
        Profile of de-identification.
    mapping_csv
        The mapping in use; its content has a version of its own.
    account
        What became of the files.
    """
    versions = {name.replace("-", "_"): metadata.version(name) for name in _PACKAGES}
    versions["mapping"] = hashlib.sha256(mapping_csv.read_bytes()).hexdigest()[:16]
    return RunInfo(
        datetime.now(UTC).isoformat(timespec="seconds"), str(profile), versions, _files(account)
    )


def _files(account: Account) -> dict[str, int]:
    files = account.outcomes
    for outcome, counts in (("rejected", account.rejected), ("ignored", account.ignored)):
        files |= {f"{outcome}: {reason}": count for reason, count in sorted(counts.items())}
    return files
