"""What the build database was last built of, so that a run can say when that is another now.

Belongs here: a note beside the database; without it all is built right, only in silence.
Does not belong here: what is built anew, which dbt decides by the versions in the rows.
"""

from __future__ import annotations

from pathlib import Path

from dicom_pipeline.common.private_files import write_atomic


def write_fingerprint(build: Path, sources: str) -> None:
    """Note the digest of the sources of a build that is whole."""
    write_atomic(_place(build), sources.encode())


def build_outdated(build: Path, sources: str) -> bool:
    """Whether there is a build database, and of other sources than these, or nobody knows which."""
    if not build.exists():
        return False
    try:
        return _place(build).read_text() != sources
    except (OSError, UnicodeDecodeError):
        return True


def _place(build: Path) -> Path:
    return build.with_name(f"{build.name}.sources")
