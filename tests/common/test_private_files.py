"""Files that only their owner may read."""

from __future__ import annotations

import errno
import os
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dicom_pipeline.common.disk_errors import DiskError, translate_disk_errors
from dicom_pipeline.common.private_files import (
    NotPrivateError,
    ensure_private_directory,
    make_directories,
    restrict_files,
    write_atomic,
)
from tests.faults.mounts import can_mount
from tests.support.another_user import GID, UID, as_user, needs_root, reachable_directory


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


def test_missing_parents_are_created_private_and_existing_ones_are_not_changed(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o755)
    make_directories(tmp_path / "warehouse" / "dbt")
    assert [mode(tmp_path), mode(tmp_path / "warehouse"), mode(tmp_path / "warehouse" / "dbt")] == [
        0o755, 0o700, 0o700,
    ]  # fmt: skip


# --- directories of another user: the root of a volume in Kubernetes


@pytest.fixture
def volume() -> Iterator[Path]:
    """Root of a volume, as Kubernetes makes it for a pod with ``fsGroup``."""
    with reachable_directory() as directory:
        path = directory / "volume"
        path.mkdir()
        os.chown(path, 0, GID)
        path.chmod(0o2770)
        yield path


def make_zone(path: Path) -> None:
    """Create a zone in a directory, as the pipeline does."""
    ensure_private_directory(path)
    ensure_private_directory(path / "zone")
    write_atomic(path / "zone" / "images" / "data.parquet", b"data")


@needs_root
@pytest.mark.parametrize("umask", [0o002, 0o022, 0o077])
@pytest.mark.parametrize("as_supplementary_group", [False, True])
def test_the_root_of_a_volume_is_accepted_and_what_is_created_in_it_is_private(
    volume: Path, umask: int, as_supplementary_group: bool
) -> None:
    groups = []
    if as_supplementary_group:  # as ``fsGroup`` is; ``runAsGroup`` is another group
        os.chown(volume, 0, 23456)
        volume.chmod(0o2770)
        groups = [23456]
    as_user(make_zone, volume, groups=groups, umask=umask)
    assert mode(volume) == 0o2770
    for path in volume.rglob("*"):
        assert path.stat().st_uid == UID
        assert mode(path) & 0o777 == (0o700 if path.is_dir() else 0o600), path


@needs_root
@pytest.mark.parametrize("wrong", [0o755, 0o777, 0o1777, 0o2775, 0o701, 0o771, 0o2774, 0o707])
def test_a_directory_of_another_user_that_others_may_access_is_refused(
    volume: Path, wrong: int
) -> None:
    volume.chmod(wrong)
    with pytest.raises(NotPrivateError):
        as_user(ensure_private_directory, volume)
    assert mode(volume) == wrong


@needs_root
@pytest.mark.parametrize("right", [0o700, 0o770, 0o750, 0o2770, 0o3770])
def test_a_directory_of_another_user_that_only_a_group_of_the_process_may_access_is_accepted(
    volume: Path, right: int
) -> None:
    volume.chmod(right)
    as_user(ensure_private_directory, volume)
    assert mode(volume) == right


@needs_root
def test_a_directory_of_another_user_is_refused_if_its_group_is_not_one_of_the_process(
    volume: Path,
) -> None:
    os.chown(volume, 0, 23456)
    with pytest.raises(NotPrivateError):
        as_user(ensure_private_directory, volume)


@needs_root
@pytest.mark.parametrize("wrong", [0o2770, 0o770, 0o755, 0o777])
def test_the_own_directory_is_restricted_although_its_group_is_one_of_the_process(
    volume: Path, wrong: int
) -> None:
    os.chown(volume, UID, GID)
    volume.chmod(wrong)
    as_user(ensure_private_directory, volume)
    assert mode(volume) & 0o777 == 0o700


@needs_root
@pytest.mark.skipif(not can_mount(), reason="NOT TESTED: file systems cannot be mounted here")
@pytest.mark.parametrize(("given", "accepted"), [(0o700, True), (0o755, False)])
def test_a_directory_on_a_read_only_disk_is_accepted_only_if_it_is_private(
    volume: Path, given: int, accepted: bool
) -> None:
    os.chown(volume, UID, GID)
    volume.chmod(given)
    subprocess.run(["mount", "--bind", volume, volume], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", volume], check=True)
        if accepted:
            as_user(ensure_private_directory, volume)
        else:
            with pytest.raises(OSError, match=re.escape(os.strerror(errno.EROFS))):
                as_user(ensure_private_directory, volume)
    finally:
        subprocess.run(["umount", volume], check=True)


@needs_root
def test_files_of_another_user_in_a_private_directory_do_not_stop_a_build(volume: Path) -> None:
    for name, owner in (("lost", 0), ("build.duckdb", UID)):
        (volume / name).touch()
        (volume / name).chmod(0o664)
        os.chown(volume / name, owner, GID)
    as_user(restrict_files, volume)
    assert (mode(volume / "lost"), mode(volume / "build.duckdb")) == (0o664, 0o600)


@needs_root
def test_the_message_names_the_setting_and_no_path(volume: Path) -> None:
    volume.chmod(0o755)
    with (
        pytest.raises(DiskError) as raised,
        translate_disk_errors({"DICOM_WAREHOUSE_DIR": volume, "DBT_DATABASE_NAME": volume.parent}),
    ):
        as_user(ensure_private_directory, volume)
    assert str(raised.value) == (
        "the disk of DICOM_WAREHOUSE_DIR cannot be used: other users may access the directory, and "
        "only its owner can change that; set its mode to 0700"
    )
