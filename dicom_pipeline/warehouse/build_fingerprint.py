"""Fingerprint of the dbt sources that the build database was built from.

Belongs here: a file beside the database, read only to report that everything will be rebuilt.
Does not belong here: what is rebuilt; dbt decides that by the versions in the rows.
"""

from __future__ import annotations

from pathlib import Path

from dicom_pipeline.common.private_files import write_atomic

BUILD_OUTDATED = (
    "the build database was built from other models, seeds or settings: what they affect is rebuilt"
)


def write_fingerprint(build: Path, sources: str) -> None:
    """Store the digest of the sources of a complete build."""
    write_atomic(_fingerprint_file(build), sources.encode())


def build_outdated(build: Path, sources: str) -> bool:
    """Return whether a build database exists and was not built from these sources."""
    if not build.exists():
        return False
    try:
        return _fingerprint_file(build).read_text() != sources
    except (OSError, UnicodeDecodeError):
        return True


def _fingerprint_file(build: Path) -> Path:
    return build.with_name(f"{build.name}.sources")
