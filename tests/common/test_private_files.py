"""Files that only their owner may read."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from dicom_pipeline.common.private_files import ensure_private_directory, write_atomic


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_and_its_new_folders_are_accessible_only_to_the_owner(tmp_path: Path) -> None:
    path = tmp_path / "raw" / "images" / "data.parquet"
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert (mode(path), mode(path.parent), mode(path.parents[1])) == (0o600, 0o700, 0o700)


def test_permissions_of_an_accessible_directory_are_restricted(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    ensure_private_directory(tmp_path)
    assert mode(tmp_path) == 0o700


def test_a_failed_write_leaves_the_old_file_and_no_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    write_atomic(path, b"old")
    with pytest.raises(TypeError):
        write_atomic(path, None)  # type: ignore[arg-type]
    assert [p.name for p in tmp_path.iterdir()] == ["data.parquet"]
    assert path.read_bytes() == b"old"


def test_temporary_files_of_a_killed_write_are_deleted_by_the_next_write(tmp_path: Path) -> None:
    (tmp_path / ".data.parquet.999.tmp").write_bytes(b"half of somebody's data")
    write_atomic(tmp_path / "data.parquet", b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["data.parquet"]
