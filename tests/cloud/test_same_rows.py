"""The sample gives the same raw tables from a bucket and from a directory."""

import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from dicom_pipeline.config.settings import load_settings
from dicom_pipeline.extract.partition import PartitionReport
from dicom_pipeline.extract.tables import RAW_TABLES
from dicom_pipeline.operations.write_session import WriteSession
from dicom_pipeline.workspace import Workspace
from tests.cloud.front import Answer, Front
from tests.support.dicom import WHEEL, instance, wheel_files

# columns that depend on the location or the time of arrival
LOCATION_COLUMNS = {"file_mtime_ns", "file_etag", "raw_version"}


def workspace_on(folder: Path, landing: str, raw: str, **more: str) -> Workspace:
    return Workspace(
        load_settings(
            {
                "DICOM_LANDING_URI": landing,
                "DICOM_RAW_URI": raw,
                "DICOM_WAREHOUSE_DIR": str(folder / "warehouse"),
                "DBT_DATABASE_NAME": str(folder / "published" / "dicom.duckdb"),
                "DAGSTER_HOME": str(folder / "dagster"),
                "DICOM_MIN_FILE_AGE_SECONDS": "0",
                "DICOM_WORKERS": "2",
            }
            | more
        )
    )


def load(workspace: Workspace, *, accept: bool = False) -> list[PartitionReport]:
    """Do the steps of a run up to the raw tables."""
    with WriteSession(workspace)():
        workspace.warehouse.prepare()
        workspace.ingest.scan(accept_deletions=accept)
        stale = {*workspace.ingest.manifests.periods(), *workspace.ingest.raw.periods()}
        return list(workspace.ingest.raw_step().refresh(sorted(stale)))


def rows(root: Path) -> dict[str, list[str]]:
    """Return the rows of all raw tables, read by pyarrow only."""
    found: dict[str, list[str]] = {}
    for table in RAW_TABLES:
        lines = []
        for path in sorted((root / table).rglob("data.parquet")):
            for row in pq.ParquetFile(path).read().to_pylist():
                kept = {k: v for k, v in row.items() if k not in LOCATION_COLUMNS}
                lines.append(str((path.parent.name, sorted(kept.items()))))
        found[table] = sorted(lines)
    return found


def upload(plain: Any, bucket: str, folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            key = f"dicom/{path.relative_to(folder).as_posix()}"
            plain.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write the sample to a directory."""
    place = tmp_path / "landing"
    for path in wheel_files():
        target = place / path.relative_to(WHEEL)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return place


def test_the_sample_gives_the_same_rows_from_a_bucket(
    folder: Path, bucket: str, plain: Any, front: Front, tmp_path: Path
) -> None:
    upload(plain, bucket, folder)
    here = workspace_on(tmp_path / "a", str(folder), str(tmp_path / "a" / "raw"))
    there = workspace_on(tmp_path / "b", f"s3://{bucket}/dicom", f"s3://{bucket}/raw")

    load(here)
    front.clear()
    load(there)
    expected = rows(here.settings.raw_dir)
    assert sum(map(len, expected.values())) > 400
    assert rows(there.settings.raw_dir) == expected
    counts = there.ingest.reconcile()
    assert counts.balanced
    assert counts == here.ingest.reconcile()

    files = counts.discovered
    gets = [r for r in front.log if r.method == "GET" and "/dicom/" in r.path]
    assert len(gets) / files < 2.2, "more than a scan and an extraction"
    assert sum(r.sent for r in gets) / files < 26 * 1024

    # nothing to do: no file is opened
    front.clear()
    assert sum(report.read for report in load(there)) == 0
    assert not front.count("GET", "/dicom/")

    # new, changed, deleted
    for number, change in enumerate(("new.dcm", "test_files/CT_small.dcm")):
        body = instance(900 + number, PatientID="0815")
        (folder / change).write_bytes(body)
        plain.put_object(Bucket=bucket, Key=f"dicom/{change}", Body=body)
    (folder / "test_files" / "MR_small.dcm").unlink()
    plain.delete_object(Bucket=bucket, Key="dicom/test_files/MR_small.dcm")
    for workspace in (here, there):
        assert sum(report.read for report in load(workspace)) == 2
    assert rows(there.settings.raw_dir) == rows(here.settings.raw_dir) != expected
    assert there.ingest.reconcile() == here.ingest.reconcile()

    # another machine, which has only the bucket
    key = {"DICOM_PSEUDONYM_KEY_FILE": str(tmp_path / "b" / "warehouse" / "pseudonym.key")}
    other = workspace_on(tmp_path / "c", f"s3://{bucket}/dicom", f"s3://{bucket}/raw", **key)
    assert sum(report.read for report in load(other)) == 0
    assert rows(other.settings.raw_dir) == rows(here.settings.raw_dir)


def test_a_directory_and_a_bucket_can_be_combined(
    folder: Path, bucket: str, plain: Any, front: Front, tmp_path: Path
) -> None:
    few = tmp_path / "few"
    for name in ("CT_small.dcm", "MR_small.dcm", "rtdose.dcm", "README.txt", "badVR.dcm"):
        few.mkdir(exist_ok=True)
        shutil.copyfile(folder / "test_files" / name, few / name)
    upload(plain, bucket, few)
    found = []
    for number, (landing, raw) in enumerate(
        (a, b) for a in (str(few), f"s3://{bucket}/dicom") for b in ("raw", f"s3://{bucket}/raw")
    ):
        place = tmp_path / str(number)
        prefix = f"{raw}{number}" if "://" in raw else str(place / raw)
        workspace = workspace_on(place, landing, prefix)
        load(workspace)
        assert workspace.ingest.reconcile().balanced
        found.append(rows(workspace.settings.raw_dir))
    assert found[1:] == found[:-1]
    assert found[0]["images"]


def test_credentials_that_expire_during_reading_reject_no_file(
    bucket: str, plain: Any, front: Front, tmp_path: Path
) -> None:
    from dicom_pipeline.common.errors import StorageUnavailable

    for number in range(5):
        plain.put_object(Bucket=bucket, Key=f"dicom/{number}", Body=instance(number))
    workspace = workspace_on(
        tmp_path, f"s3://{bucket}/dicom", str(tmp_path / "raw"), DICOM_WORKERS="1"
    )
    with WriteSession(workspace)():
        workspace.warehouse.prepare()
        workspace.ingest.scan()
        front.rule = lambda method, path: Answer(400, "ExpiredToken")
        with pytest.raises(StorageUnavailable, match="expired"):
            list(workspace.ingest.raw_step().refresh(workspace.ingest.manifests.periods()))
    assert rows(tmp_path / "raw")["rejected_files"] == []
    front.clear()
    assert sum(report.loaded for report in load(workspace)) == 5


def test_a_file_overwritten_after_the_scan_is_read_by_the_next_run(
    bucket: str, plain: Any, front: Front, tmp_path: Path
) -> None:
    plain.put_object(Bucket=bucket, Key="dicom/a", Body=instance(1))
    workspace = workspace_on(tmp_path, f"s3://{bucket}/dicom", f"s3://{bucket}/raw")
    with WriteSession(workspace)():
        workspace.warehouse.prepare()
        workspace.ingest.scan()
        plain.put_object(Bucket=bucket, Key="dicom/a", Body=instance(2))
        (report,) = workspace.ingest.raw_step().refresh(workspace.ingest.manifests.periods())
    assert report.rejected == {"unreadable": 1}
    (report,) = load(workspace)
    assert (report.loaded, report.rejected) == (1, {})
    assert "1.2.3.2" in rows(workspace.settings.raw_dir)["images"][0]
